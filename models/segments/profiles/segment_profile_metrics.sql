-- Metric, unit, the customers that it rests on, and its value of a group.
{%- set metrics = [
    ('net_revenue_per_customer', 'currency', 'customer_count',
        'cast(net_revenue as double) / customer_count'),
    ('cm2_per_customer', 'currency', 'customer_count', 'cast(cm2 as double) / customer_count'),
    ('clv_365_per_customer', 'currency', 'value_customer_count',
        'cast(clv_365 as double) / nullif(value_customer_count, 0)'),
    ('average_order_value', 'currency', 'customer_count',
        'cast(net_revenue as double) / nullif(successful_order_count, 0)'),
    ('orders_per_customer', 'orders', 'customer_count', 'successful_order_count / customer_count'),
    ('categories_per_customer', 'categories', 'customer_count',
        'category_count / customer_count'),
    ('app_opens_30d_per_customer', 'openings', 'app_open_customer_count',
        'app_opens_30d / nullif(app_open_customer_count, 0)'),
    ('app_opens_90d_per_customer', 'openings', 'app_open_customer_count',
        'app_opens_90d / nullif(app_open_customer_count, 0)'),
    ('median_recency_days', 'days', 'customer_count',
        'cast(median_recency_days as double)'),
    ('mean_tenure_days', 'days', 'customer_count', 'tenure_days / customer_count'),
    ('mean_rating', 'stars', 'rating_customer_count', 'rating_sum / nullif(rating_count, 0)'),
    ('mean_distance_km', 'km', 'distance_customer_count', 'cast(mean_average_distance_km as double)'),
    ('promo_share', 'share', 'customer_count',
        'promo_order_count / nullif(successful_order_count, 0)'),
    ('own_discount_share', 'share', 'customer_count',
        'cast(own_discount as double) / nullif(basket_value, 0)'),
    ('cm2_rate', 'share', 'customer_count', 'cast(cm2 as double) / nullif(net_revenue, 0)'),
    ('active_customer_share', 'share', 'customer_count',
        'active_customer_count / customer_count'),
    ('predicted_quality', 'share', 'quality_customer_count', 'cast(mean_predicted_quality as double)'),
    ('mean_recency_score', 'score', 'scored_customer_count',
        'recency_score / nullif(scored_customer_count, 0)'),
    ('mean_frequency_score', 'score', 'scored_customer_count',
        'frequency_score / nullif(scored_customer_count, 0)'),
    ('mean_monetary_score', 'score', 'scored_customer_count',
        'monetary_score / nullif(scored_customer_count, 0)'),
] %}

with groups as (

    select * from {{ ref('segment_totals') }}

),

long as (

    {%- for metric, unit, customers, value in metrics %}
    select
        source,
        model_version,
        segmentation_method,
        segment_id,
        segment_name,
        '{{ metric }}' as metric,
        '{{ unit }}' as unit,
        {{ customers }} as customer_count,
        {{ value }} as metric_value,
        is_all_customers
    from groups
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

compared as (

    select
        of_segment.source,
        of_segment.model_version,
        of_segment.segmentation_method,
        of_segment.segment_id,
        of_segment.segment_name,
        of_segment.metric,
        of_segment.unit,
        of_segment.customer_count,
        of_segment.metric_value,
        of_all.metric_value as all_customers_value
    from long as of_segment
    inner join long as of_all
        on
            of_segment.source = of_all.source
            and of_segment.metric = of_all.metric
    where
        not of_segment.is_all_customers
        and of_all.is_all_customers
        and of_segment.metric_value is not null
        and of_segment.customer_count >= {{ number_var('smallest_group') }}

),

-- Against nothing or less than nothing a ratio says nothing.
segment_profile_metrics as (

    select
        source,
        model_version,
        segmentation_method,
        segment_id,
        segment_name,
        cast(metric as string) as metric,
        cast(unit as string) as unit,
        customer_count,
        {{ to_decimal('metric_value', 18, 6) }} as metric_value,
        {{ to_decimal('all_customers_value', 18, 6) }} as all_customers_value,
        {{ to_decimal(
            "case
                when all_customers_value > 0 then 100 * metric_value / all_customers_value
            end",
            18, 2
        ) }} as index_to_all
    from compared

)

select * from segment_profile_metrics
