with spans as (

    select * from {{ ref('customer_order_spans') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

-- Only what arrived by the as-of date, in the month in which it was placed.
active_months as (

    select
        customer_key,
        source,
        order_month as calendar_month,
        sum(order_count) as order_count,
        sum(net_revenue) as net_revenue,
        sum(cm2) as cm2
    from spans
    where known_month is not null
    group by customer_key, source, order_month

),

dated as (

    select
        *,
        min(calendar_month) over (partition by customer_key) as cohort_month
    from active_months

),

active as (

    select
        source,
        cohort_month,
        calendar_month,
        count(*) as active_count,
        sum(order_count) as order_count,
        sum(net_revenue) as net_revenue,
        sum(cm2) as cm2
    from dated
    group by source, cohort_month, calendar_month

),

-- In the first month all are active. A month without orders has a cell too.
cells as (

    select
        active.source,
        active.cohort_month,
        active.active_count as cohort_size,
        as_of.as_of_date,
        {{ month_series('active.cohort_month', 'as_of.as_of_date') }} as calendar_month
    from active
    inner join as_of
        on active.source = as_of.source
    where active.cohort_month = active.calendar_month

),

cohort_months as (

    select
        cells.source,
        cast(
            12 * (extract(year from cells.calendar_month) - extract(year from cells.cohort_month))
            + extract(month from cells.calendar_month) - extract(month from cells.cohort_month)
            as integer
        ) as months_since,
        cells.cohort_size,
        coalesce(active.active_count, 0) as active_count,
        cast(coalesce(active.order_count, 0) as bigint) as order_count,
        cast(coalesce(active.net_revenue, 0) as decimal(38, 4)) as net_revenue,
        cast(coalesce(active.cm2, 0) as decimal(38, 4)) as cm2,
        -- On its last day a month may still wait for deliveries.
        last_day(cells.calendar_month) < cells.as_of_date as is_ripe,
        cells.cohort_month,
        cells.calendar_month,
        cells.as_of_date
    from cells
    left join active
        on
            cells.source = active.source
            and cells.cohort_month = active.cohort_month
            and cells.calendar_month = active.calendar_month

)

select * from cohort_months
