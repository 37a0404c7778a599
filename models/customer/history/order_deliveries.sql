{%- set bands = delivery_bands() -%}
{%- set counts = ['rated_count', 'rating_sum', 'low_count', 'skipped_count'] -%}
with orders as (

    select
        *,
        {{ seconds_between('ordered_at', 'delivered_at') }} / 3600 as delay_hours
    from {{ ref('known_orders') }}
    where is_known_success

),

ratings as (

    select
        {%- for count in counts %}
        sum({{ count }}) as {{ count }},
        {%- endfor %}
        order_key
    from {{ ref('order_ratings') }}
    group by order_key

),

order_deliveries as (

    select
        orders.order_key,
        orders.source,
        orders.warehouse_id,
        {%- for dimension, column in [('distance', 'distance_km'), ('delay', 'delay_hours')] %}
        cast(
            case
                {%- for limit, band in bands[dimension] if limit is not none %}
                when orders.{{ column }} < {{ limit }} then {{ loop.index }}
                {%- endfor %}
                when orders.{{ column }} is not null then {{ bands[dimension] | length }}
            end as integer
        ) as {{ dimension }}_band,
        {%- endfor %}
        {%- for count in counts %}
        cast(ratings.{{ count }} as bigint) as {{ count }},
        {%- endfor %}
        orders.cm2,
        orders.as_of_date
    from orders
    left join ratings
        on orders.order_key = ratings.order_key

)

select * from order_deliveries
