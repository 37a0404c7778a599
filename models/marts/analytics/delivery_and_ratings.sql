{%- set dimensions = {
    'distance': 'distance_band', 'delay': 'delay_band', 'warehouse': 'warehouse_name',
} %}
{%- set counts = ['rated_count', 'rating_sum', 'low_count', 'skipped_count'] %}
{%- set smallest = number_var('smallest_group') %}

-- A warehouse that the source calls unknown is one with those that it does not give.
with orders as (

    select
        *,
        coalesce(warehouse_id, 'unknown') as warehouse_name
    from {{ ref('order_deliveries') }}

),

reasons as (

    select
        source,
        'rating_reason' as dimension,
        null as band_number,
        rating_reason as value_name,
        count(*) as order_count,
        {%- for count in counts %}
        sum({{ count }}) as {{ count }},
        {%- endfor %}
        sum(cm2) as cm2,
        min(as_of_date) as as_of_date
    from {{ ref('order_ratings') }}
    group by source, rating_reason

),

-- One scan for the other dimensions: each row counts one value of one of them.
deliveries as (

    select
        source,
        case
            {%- for dimension, column in dimensions.items() %}
            when grouping({{ column }}) = 0 then '{{ dimension }}'
            {%- endfor %}
            else 'all'
        end as dimension,
        coalesce(distance_band, delay_band) as band_number,
        warehouse_name as value_name,
        count(*) as order_count,
        {%- for count in counts %}
        sum({{ count }}) as {{ count }},
        {%- endfor %}
        sum(cm2) as cm2,
        min(as_of_date) as as_of_date
    from orders
    -- sqlfluff does not know grouping sets.
    group by grouping sets ( -- noqa: PRS
        (source), (source, distance_band), (source, delay_band), (source, warehouse_name)
    )

),

grouped as (

    select * from deliveries
    union all
    select * from reasons

),

named as (

    select
        *,
        case
            when dimension = 'all' then 'all orders'
            {%- for dimension, listed in delivery_bands().items() %}
            {%- for limit, band in listed %}
            when dimension = '{{ dimension }}' and band_number = {{ loop.index }} then '{{ band }}'
            {%- endfor %}
            {%- endfor %}
            else coalesce(value_name, 'unknown')
        end as dimension_value
    from grouped

),

delivery_and_ratings as (

    select
        source,
        dimension,
        dimension_value,
        cast(
            row_number() over (
                partition by source, dimension
                order by band_number asc nulls last, order_count desc, dimension_value asc
            ) as integer
        ) as value_rank,
        order_count,
        cast(coalesce(rated_count, 0) as bigint) as rated_count,
        cast(coalesce(skipped_count, 0) as bigint) as skipped_count,
        {%- for column, sum in [('mean_rating', 'rating_sum'), ('low_rating_share', 'low_count')] %}
        case
            when rated_count >= {{ smallest }}
                then {{ to_decimal(sum ~ ' / rated_count', 18, 6) }}
        end as {{ column }},
        {%- endfor %}
        case
            when rated_count + skipped_count >= {{ smallest }}
                then {{ to_decimal('skipped_count / (rated_count + skipped_count)', 18, 6) }}
        end as skipped_share,
        case
            when order_count >= {{ smallest }}
                then {{ to_decimal('cast(cm2 as double) / order_count', 18, 4) }}
        end as cm2_per_order,
        as_of_date
    from named

)

select * from delivery_and_ratings
