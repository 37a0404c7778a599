{%- set last_dates = as_of_last_build('int_as_of') -%}
-- Of changed orders, with their versions of before: nothing happened to an order before its first
-- event.
with told as (

    select
        source,
        min(cast(first_event_at as date)) as first_date
    from {{ ref('int_changed_versions') }}
    group by source

),

-- What lay ahead of the last as-of date and does not any more.
arrived as (

    select
        orders.source,
        min(orders.order_date) as first_date
    from {{ ref('fct_orders') }} as orders
    inner join {{ ref('int_as_of') }} as as_of
        on orders.source = as_of.source
    inner join {{ last_dates }} as last_as_of
        on orders.source = last_as_of.source
    where
        greatest(orders.order_date, orders.delivered_date) > last_as_of.as_of_date
        and greatest(orders.order_date, orders.delivered_date) <= as_of.as_of_date
    group by orders.source

),

-- Where the date goes back, all months are counted again.
changed_order_months as (

    select
        as_of.source,
        cast(
            case
                when
                    {{ 'true' if is_increment() else 'false' }}
                    and as_of.as_of_date >= last_as_of.as_of_date
                    then date_trunc(
                        'month',
                        least(
                            last_as_of.as_of_date,
                            coalesce(told.first_date, last_as_of.as_of_date),
                            coalesce(arrived.first_date, last_as_of.as_of_date)
                        )
                    )
                else date '1900-01-01'
            end as date
        ) as from_month
    from {{ ref('int_as_of') }} as as_of
    left join {{ last_dates }} as last_as_of
        on as_of.source = last_as_of.source
    left join told
        on as_of.source = told.source
    left join arrived
        on as_of.source = arrived.source

)

select * from changed_order_months
