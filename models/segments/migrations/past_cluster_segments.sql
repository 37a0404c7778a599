{%- set carried = [
    "customer_key", "source", "months_back", "cm2_365d", "is_in_base", "as_of_date",
] -%}
with customers as (

    select
        history.*,
        quality.probability as predicted_quality
    from {{ ref('customer_history') }} as history
    -- First of all: where the rules serve, nobody's past is read.
    inner join {{ ref('segmentation_status') }} as status
        on
            history.source = status.source
            and status.segmentation_method = 'clusters'
    left join {{ ref('customer_quality') }} as quality
        on
            history.customer_key = quality.customer_key
            and history.as_of_date >= quality.decision_date
    where
        history.is_customer
        and history.months_back in ({{ months_looked_back() | join(", ") }})

),

shops as (

    select
        customers.source,
        customers.as_of_date,
        {{ shop_mean_columns('customers') }}
    from customers
    group by customers.source, customers.as_of_date

),

features as (

    select
        customers.customer_key,
        customers.source,
        customers.months_back,
        {{ feature_columns('customers', 'shops') }},
        customers.cm2_365d,
        customers.lifecycle_stage <> 'dormant' as is_in_base,
        customers.as_of_date
    from customers
    inner join shops
        on
            customers.source = shops.source
            and customers.as_of_date = shops.as_of_date

),

standardised as (

    select
        features.customer_key,
        features.source,
        features.months_back,
        {{ standardised_features('features', 'scales') }},
        features.cm2_365d,
        features.is_in_base,
        features.as_of_date
    from features
    inner join {{ ref('segment_scales') }} as scales
        on features.source = scales.source

),

{{ nearest_segments('standardised', carried) }},

past_cluster_segments as (

    select
        customer_key,
        source,
        months_back,
        nearest_segment_id as segment_id,
        cm2_365d,
        is_in_base,
        as_of_date
    from nearest_segments

)

select * from past_cluster_segments
