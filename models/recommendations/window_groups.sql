-- By stage of life and orders of the last year, whose bands are fixed. RFM segments and clusters of
-- a past day would be cut by what came later: their bounds are learned as of today.
{%- set bands = frequency_bands() %}

with dates as (

    select
        windows.source,
        windows.window_number,
        max(dates.as_of_date) as group_date
    from {{ ref('recommendation_windows') }} as windows
    inner join {{ ref('history_dates') }} as dates
        on
            windows.source = dates.source
            and windows.learned_until_date >= dates.as_of_date
    where
        dates.is_kept
        and windows.window_name <> 'current'
    group by windows.source, windows.window_number

),

members as (

    select
        history.customer_key,
        history.lifecycle_stage,
        dates.window_number,
        history.successful_orders_365d,
        false as is_current
    from {{ ref('customer_standing') }} as history
    inner join dates
        on
            history.source = dates.source
            and history.as_of_date = dates.group_date
    where
        history.is_customer
        -- No window begins earlier; without it the whole history would be computed.
        and history.months_back between 1 and 3
    union all
    select
        customers.customer_key,
        customers.lifecycle_stage,
        windows.window_number,
        customers.successful_orders_365d,
        true as is_current
    from {{ ref('customer_single_view') }} as customers
    inner join {{ ref('recommendation_windows') }} as windows
        on
            customers.source = windows.source
            and windows.window_name = 'current'
    where customers.is_customer

),

window_groups as (

    select
        customer_key,
        cast(
            lifecycle_stage || case
                {%- for band in bands | reverse %}
                {%- set next_band = bands[5 - loop.index0] if not loop.first else none %}
                when successful_orders_365d >= {{ band }}
                    then ', {{ band }}
                    {%- if next_band is none %} or more
                    {%- elif next_band > band + 1 %} to {{ next_band - 1 }}
                    {%- endif %} order{{ "s" if next_band != 2 }}'
                {%- endfor %}
                else ''
            end as string
        ) as customer_group,
        window_number,
        is_current
    from members

)

select * from window_groups
