with customers as (

    select
        history.*,
        quality.probability as predicted_quality
    from {{ ref('customer_history') }} as history
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
        customers.as_of_date
    from customers
    inner join shops
        on
            customers.source = shops.source
            and customers.as_of_date = shops.as_of_date

),

past_standardised_features as (

    select
        features.customer_key,
        features.source,
        {{ standardised_features('features', 'scales') }},
        features.months_back,
        features.as_of_date
    from features
    inner join {{ ref('segment_scales') }} as scales
        on features.source = scales.source
    inner join {{ ref('segmentation_status') }} as status
        on
            features.source = status.source
            and status.segmentation_method = 'clusters'

)

select * from past_standardised_features
