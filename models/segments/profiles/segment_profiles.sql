-- The metrics that a profile shows in a column of their own, with its type.
{%- set shown = [
    ('cm2_per_customer', 'decimal(18, 4)'), ('orders_per_customer', 'decimal(9, 2)'),
    ('average_order_value', 'decimal(18, 4)'), ('promo_share', 'decimal(18, 6)'),
    ('own_discount_share', 'decimal(18, 6)'), ('mean_rating', 'decimal(18, 6)'),
    ('app_opens_30d_per_customer', 'decimal(9, 2)'), ('median_recency_days', 'decimal(9, 1)'),
    ('predicted_quality', 'decimal(18, 6)'), ('clv_365_per_customer', 'decimal(18, 4)'),
] %}
{%- set smallest = number_var('smallest_group') %}

with totals as (

    select * from {{ ref('segment_totals') }}
    where not is_all_customers

),

shops as (

    select * from {{ ref('segment_totals') }}
    where is_all_customers

),

metrics as (

    select
        {%- for metric, type in shown %}
        max(metric_value) filter (where metric = '{{ metric }}') as {{ metric }},
        {%- endfor %}
        source,
        segment_id
    from {{ ref('segment_profile_metrics') }}
    group by source, segment_id

),

-- A group that is too small to be summarised keeps its size: the sizes add up to the source.
summarised as (

    select
        totals.source,
        totals.segment_id,
        totals.net_revenue,
        cast(totals.net_revenue as double) / nullif(shops.net_revenue, 0) as net_revenue_share,
        totals.cm2,
        cast(totals.cm2 as double) / nullif(shops.cm2, 0) as cm2_share,
        case
            when totals.margin_customer_count >= {{ smallest }}
                then totals.borderline_customer_count / totals.margin_customer_count
        end as borderline_share,
        case when totals.margin_customer_count >= {{ smallest }} then totals.mean_segment_margin end
            as mean_margin
    from totals
    inner join shops
        on totals.source = shops.source
    where totals.customer_count >= {{ smallest }}

),

segment_profiles as (

    select
        totals.source,
        totals.segment_id,
        totals.model_version,
        totals.segmentation_method,
        totals.segment_name,
        totals.customer_count,
        {{ to_decimal('totals.customer_count / shops.customer_count', 18, 6) }} as customer_share,
        cast(summarised.net_revenue as decimal(38, 4)) as net_revenue,
        {{ to_decimal('summarised.net_revenue_share', 18, 6) }} as net_revenue_share,
        cast(summarised.cm2 as decimal(38, 4)) as cm2,
        {{ to_decimal('summarised.cm2_share', 18, 6) }} as cm2_share,
        {%- for metric, type in shown %}
        cast(metrics.{{ metric }} as {{ type }}) as {{ metric }},
        {%- endfor %}
        {{ to_decimal('summarised.borderline_share', 18, 6) }} as borderline_share,
        {{ to_decimal('summarised.mean_margin', 18, 6) }} as mean_margin,
        totals.as_of_date
    from totals
    inner join shops
        on totals.source = shops.source
    left join summarised
        on
            totals.source = summarised.source
            and totals.segment_id = summarised.segment_id
    left join metrics
        on
            totals.source = metrics.source
            and totals.segment_id = metrics.segment_id

)

select * from segment_profiles
