-- Each band with what it stays below: kilometres, and hours from the order to the delivery.
{%- set bands = {
    'distance': [
        (1, 'under 1 km'), (2, '1 to 2 km'), (5, '2 to 5 km'), (10, '5 to 10 km'),
        (20, '10 to 20 km'), (50, '20 to 50 km'), (200, '50 to 200 km'), (500, '200 to 500 km'),
        (none, '500 km or more'),
    ],
    'delay': [
        (1, 'under 1 hour'), (2, '1 to 2 hours'), (6, '2 to 6 hours'), (24, '6 to 24 hours'),
        (72, '1 to 3 days'), (168, '3 to 7 days'), (336, '7 to 14 days'), (720, '14 to 30 days'),
        (none, '30 days or more'),
    ],
} %}
{%- set measured = {'distance': 'distance_km', 'delay': 'delay_hours'} %}
{%- set dimensions = ['distance', 'delay', 'warehouse'] %}
{%- set measures = ['rated_count', 'rating_sum', 'low_count', 'skipped_count', 'cm2'] %}
{%- set smallest = number_var('smallest_group') %}

with orders as (

    select
        *,
        {{ seconds_between('ordered_at', 'delivered_at') }} / 3600 as delay_hours
    from {{ ref('known_orders') }}
    where is_known_success

),

-- An order may have several ratings, each with its own reason.
ratings as (

    select
        orders.source,
        orders.order_key,
        ratings.rating_reason,
        min(orders.cm2) as cm2,
        min(orders.as_of_date) as as_of_date,
        count(ratings.rating) as rated_count,
        sum(ratings.rating) as rating_sum,
        count(*) filter (where ratings.rating <= {{ number_var('low_rating') }}) as low_count,
        count(*) filter (where ratings.is_skipped) as skipped_count
    from {{ ref('fct_ratings') }} as ratings
    inner join orders
        on ratings.order_key = orders.order_key
    where ratings.rated_date <= orders.as_of_date
    group by orders.source, orders.order_key, ratings.rating_reason

),

order_ratings as (

    select
        order_key,
        {%- for measure in measures if measure != 'cm2' %}
        sum({{ measure }}) as {{ measure }}{{ ',' if not loop.last }}
        {%- endfor %}
    from ratings
    group by order_key

),

banded as (

    select
        orders.source,
        {%- for dimension, column in measured.items() %}
        case
            {%- for limit, band in bands[dimension] if limit is not none %}
            when orders.{{ column }} < {{ limit }} then {{ loop.index }}
            {%- endfor %}
            when orders.{{ column }} is not null then {{ bands[dimension] | length }}
        end as {{ dimension }},
        {%- endfor %}
        orders.warehouse_id as warehouse,
        orders.cm2,
        orders.as_of_date,
        order_ratings.* exclude (order_key)
    from orders
    left join order_ratings
        on orders.order_key = order_ratings.order_key

),

-- One scan for all dimensions: each row counts one value of one of them.
grouped as (

    select
        source,
        case
            {%- for dimension in dimensions %}
            when grouping({{ dimension }}) = 0 then '{{ dimension }}'
            {%- endfor %}
        end as dimension,
        coalesce(distance, delay) as band_number,
        warehouse as value_name,
        count(*) as order_count,
        {%- for measure in measures %}
        sum({{ measure }}) as {{ measure }},
        {%- endfor %}
        min(as_of_date) as as_of_date
    from banded
    -- sqlfluff does not know grouping sets.
    group by grouping sets ( -- noqa: PRS
        (source, distance), (source, delay), (source, warehouse)
    )
    union all
    select
        source,
        'rating_reason' as dimension,
        null as band_number,
        rating_reason as value_name,
        count(*) as order_count,
        {%- for measure in measures %}
        sum({{ measure }}) as {{ measure }},
        {%- endfor %}
        min(as_of_date) as as_of_date
    from ratings
    group by source, rating_reason

),

named as (

    select
        *,
        case
            {%- for dimension, listed in bands.items() %}
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
        cast(case when rated_count >= {{ smallest }} then {{ sum }} / rated_count end
            as decimal(18, 6)) as {{ column }},
        {%- endfor %}
        cast(
            case
                when rated_count + skipped_count >= {{ smallest }}
                    then skipped_count / (rated_count + skipped_count)
            end as decimal(18, 6)
        ) as skipped_share,
        cast(case when order_count >= {{ smallest }} then round(cm2 / order_count, 4) end
            as decimal(18, 4)) as cm2_per_order,
        as_of_date
    from named

)

select * from delivery_and_ratings
