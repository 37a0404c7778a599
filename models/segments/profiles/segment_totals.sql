-- One scan for the segments and, beside them, for all customers of a source.
{%- set counts = [
    'successful_order_count', 'promo_order_count', 'category_count', 'rating_count', 'rating_sum',
    'app_opens_30d', 'app_opens_90d', 'tenure_days', 'recency_score', 'frequency_score',
    'monetary_score',
] %}
{%- set amounts = ['basket_value', 'own_discount', 'net_revenue', 'cm2', 'clv_365'] %}
{%- set means = ['average_distance_km', 'predicted_quality', 'segment_margin'] %}

with members as (

    select * from {{ ref('segment_members') }}

),

segment_totals as (

    select
        source,
        model_version,
        segmentation_method,
        segment_id,
        segment_name,
        count(*) as customer_count,
        count(*) filter (where successful_orders_365d > 0) as active_customer_count,
        count(*) filter (where rating_count > 0) as rating_customer_count,
        count(app_opens_30d) as app_open_customer_count,
        count(recency_score) as scored_customer_count,
        count(predicted_quality) as quality_customer_count,
        count(clv_365) as value_customer_count,
        count(average_distance_km) as distance_customer_count,
        count(*) filter (where is_borderline) as borderline_customer_count,
        count(is_borderline) as margin_customer_count,
        {%- for count in counts %}
        cast(sum({{ count }}) as bigint) as {{ count }},
        {%- endfor %}
        {%- for amount in amounts %}
        cast(sum({{ amount }}) as decimal(38, 4)) as {{ amount }},
        {%- endfor %}
        {%- for mean in means %}
        {{ to_decimal(mean_of_decimals(mean), 18, 6) }} as mean_{{ mean }},
        {%- endfor %}
        {{ to_decimal('median(recency_days)', 9, 1) }} as median_recency_days,
        grouping(segment_id) = 1 as is_all_customers,
        min(as_of_date) as as_of_date
    from members
    -- sqlfluff does not know grouping sets.
    group by grouping sets ( -- noqa: PRS
        (source, model_version, segmentation_method, segment_id, segment_name),
        (source)
    )

)

select * from segment_totals
