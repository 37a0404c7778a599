with dates as (

    select
        as_of.source,
        as_of.as_of_date,
        counts.last_known_order_date,
        counts.day_with_orders_count,
        coalesce({{ days_between('as_of.first_order_date', 'as_of.as_of_date') }} + 1, 0)
            as day_count,
        {{ days_between('counts.last_known_order_date', 'as_of.as_of_date') }}
            as days_since_last_order
    from {{ ref('int_as_of') }} as as_of
    inner join {{ ref('order_check_counts') }} as counts
        on as_of.source = counts.source

),

data_quality_date_checks as (

    select
        source,
        'day_without_orders' as check_name,
        'days' as check_subject,
        cast(null as string) as evidence,
        day_count - day_with_orders_count as failing_rows,
        day_count as checked_rows
    from dates
    union all
    select
        source,
        'stale_data' as check_name,
        'source' as check_subject,
        case
            when as_of_date is null then 'there are no orders yet'
            when last_known_order_date is null
                then 'no order by ' || cast(as_of_date as string)
            else
                'last order on ' || cast(last_known_order_date as string)
                || ', as-of date ' || cast(as_of_date as string)
        end as evidence,
        cast(
            case
                when as_of_date is not null and coalesce(days_since_last_order > 7, true) then 1
                else 0
            end as bigint
        ) as failing_rows,
        cast(case when as_of_date is null then 0 else 1 end as bigint) as checked_rows
    from dates

)

select * from data_quality_date_checks
