-- What the gate of `clientele run` compares, and how far each measure may be from what is served.
{%- set limits = [
    ('rejected_share', 'at_most', share_var('gate_most_rejected_share')),
    ('landed_rows', 'drop_share', share_var('gate_largest_volume_drop')),
    ('landed_rows', 'growth_share', number_var('gate_largest_volume_growth')),
    ('last_day_share', 'at_least', share_var('gate_least_day_share')),
    ('last_week_share', 'at_least', share_var('gate_least_week_share')),
    ('customers', 'drop_share', share_var('gate_largest_customer_drop')),
    ('net_revenue', 'drop_share', share_var('gate_largest_revenue_drop')),
    ('net_revenue_28d', 'drop_share', share_var('gate_largest_recent_revenue_drop')),
    ('net_revenue_28d', 'growth_share', number_var('gate_largest_recent_revenue_growth')),
    ('as_of_day', 'days_back', number_var('gate_most_days_back')),
    ('segment_share', 'change', share_var('gate_largest_segment_share_change')),
    ('segment_orders', 'change_share', number_var('gate_largest_segment_mean_change')),
    ('segment_net_revenue', 'change_share', number_var('gate_largest_segment_mean_change')),
] %}
with row_counts as (

    select * from {{ ref('row_reconciliation') }}

),

shops as (

    select * from {{ ref('shop_overview') }}

),

profiles as (

    select
        *,
        -- Segments of another model are other segments.
        segmentation_method || ' ' || coalesce(model_version, '') as valid_for
    from {{ ref('segment_profiles') }}

),

recent as (

    select
        source,
        volume,
        has_eight_weeks,
        sum(row_count) filter (where days_ago = 0) as day_count,
        sum(row_count) filter (where days_ago > 0 and days_ago % 7 = 0) / cast(8 as double)
            as usual_day_count,
        sum(row_count) filter (where days_ago < 7) as week_count,
        sum(row_count) filter (where days_ago between 7 and 55) / cast(7 as double)
            as usual_week_count,
        sum(net_revenue) filter (where days_ago < 28) as net_revenue_28d
    from {{ ref('daily_volumes') }}
    group by source, volume, has_eight_weeks

),

limits as (
    {% for measure, kind, limit in limits %}
    select
        '{{ measure }}' as measure,
        '{{ kind }}' as limit_kind,
        {{ limit }} as limit_value
    {{ "union all" if not loop.last }}
    {%- endfor %}
),

-- What is too little to be judged has no value, and what is not known at all has no row.
measures as (
    {% for measure, item, value, relation, condition, valid_for in [
        ('rejected_share', 'source_table', 'cast(rejected_count as double) / landed_count', 'row_counts', 'landed_count > 0', 'null'),
        ('landed_rows', 'source_table', 'landed_count', 'row_counts', 'true', 'null'),
        ('last_day_share', 'volume', gate_share('day_count', 'usual_day_count'), 'recent', 'has_eight_weeks', 'null'),
        ('last_week_share', 'volume', gate_share('week_count', 'usual_week_count'), 'recent', 'has_eight_weeks', 'null'),
        ('customers', "'to_date'", 'customer_count', 'shops', 'as_of_date is not null', 'null'),
        ('net_revenue', "'to_date'", 'net_revenue', 'shops', 'as_of_date is not null', 'null'),
        ('net_revenue_28d', "'last_28_days'", 'coalesce(net_revenue_28d, 0)', 'recent', "volume = 'orders'", 'null'),
        ('as_of_day', "'last_day'", days_between("date '1970-01-01'", 'as_of_date'), 'shops', 'as_of_date is not null', 'null'),
        ('segment_share', 'cast(segment_id as string)', 'customer_share', 'profiles', 'true', 'valid_for'),
        ('segment_orders', 'cast(segment_id as string)', 'orders_per_customer', 'profiles', 'true', 'valid_for'),
        ('segment_net_revenue', 'cast(segment_id as string)', 'cast(net_revenue as double) / customer_count', 'profiles', 'true', 'valid_for'),
    ] %}
    select
        source,
        '{{ measure }}' as measure,
        {{ item }} as item,
        cast({{ valid_for }} as string) as valid_for,
        cast({{ value }} as double) as value
    from {{ relation }}
    where {{ condition }}
    {{ "union all" if not loop.last }}
    {%- endfor %}
),

gate_measures as (

    select
        measures.source,
        measures.measure,
        measures.item,
        coalesce(limits.limit_kind, 'none') as limit_kind,
        measures.valid_for,
        measures.value,
        cast(limits.limit_value as double) as limit_value
    from measures
    left join limits
        on
            measures.measure = limits.measure
            and measures.value is not null

)

select * from gate_measures
