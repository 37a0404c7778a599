{#- Month-ends looked at: beyond them a window of outcomes is too long to know its baseline. The
    number stands here in full so that no older month of the history is computed. -#}
{%- set months = 6 -%}
-- The last month-end from which the window of a campaign, and deliveries after it, are over.
with baseline_dates as (

    select
        campaigns.source,
        campaigns.measurement_days,
        max(dates.as_of_number) as as_of_number,
        max(dates.as_of_date) as baseline_date
    from (
        select distinct
            source,
            measurement_days
        from {{ ref('campaigns_in_force') }}
    ) as campaigns
    inner join {{ ref('history_dates') }} as dates
        on campaigns.source = dates.source
    inner join {{ ref('int_as_of') }} as shops
        on campaigns.source = shops.source
    where
        dates.is_kept
        and dates.months_back between 1 and {{ months }}
        and {{ add_days(
            'dates.as_of_date',
            'campaigns.measurement_days + ' ~ number_var('late_delivery_days')
        ) }} <= shops.as_of_date
    group by campaigns.source, campaigns.measurement_days

),

buyers as (

    select distinct
        orders.customer_key,
        dates.measurement_days
    from {{ ref('known_successes') }} as orders
    inner join baseline_dates as dates
        on
            orders.source = dates.source
            and orders.order_date > dates.baseline_date
            and {{ add_days('dates.baseline_date', 'dates.measurement_days') }}
            >= orders.order_date
            and {{ add_days(
                'dates.baseline_date',
                'dates.measurement_days + ' ~ number_var('late_delivery_days')
            ) }} >= orders.known_date

),

customers as (

    select
        customer_key,
        source,
        as_of_number,
        lifecycle_stage,
        rfm_segment
    from {{ ref('customer_rfm_history') }}
    where months_back between 1 and {{ months }}

),

conversion_baselines as (

    select
        dates.source,
        dates.measurement_days,
        customers.lifecycle_stage,
        customers.rfm_segment,
        cast(count(*) as integer) as customer_count,
        cast(count(buyers.customer_key) as integer) as buyer_count,
        -- A group that is too small says nothing.
        case
            when count(*) >= {{ number_var('smallest_group') }}
                then {{ to_decimal('count(buyers.customer_key) / count(*)', 9, 8) }}
        end as conversion_rate,
        dates.baseline_date
    from baseline_dates as dates
    inner join customers
        on
            dates.source = customers.source
            and dates.as_of_number = customers.as_of_number
    left join buyers
        on
            customers.customer_key = buyers.customer_key
            and dates.measurement_days = buyers.measurement_days
    group by
        dates.source, dates.measurement_days, customers.lifecycle_stage, customers.rfm_segment,
        dates.baseline_date

)

select * from conversion_baselines
