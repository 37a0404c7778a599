with gaps as (

    select
        source,
        gap_days,
        cast(date_trunc('month', known_date) as date) as calendar_month,
        count(*) as gap_count
    from {{ ref('customer_order_sequence') }}
    where gap_days is not null
    group by source, gap_days, calendar_month

),

to_date as (

    select
        dates.source,
        dates.as_of_number,
        gaps.gap_days,
        sum(gaps.gap_count) as gap_count
    from gaps
    inner join {{ ref('history_dates') }} as dates
        on
            gaps.source = dates.source
            and gaps.calendar_month <= dates.calendar_month
    where dates.is_kept
    group by dates.source, dates.as_of_number, gaps.gap_days

),

ranked as (

    select
        *,
        sum(gap_count) over (partition by source, as_of_number order by gap_days) as up_to_count,
        sum(gap_count) over (partition by source, as_of_number) as total_count
    from to_date

),

-- The median: the mean of the two middle gaps, which are one where their number is odd.
usual_order_gaps as (

    select
        source,
        as_of_number,
        {{ to_decimal(
            "(
                min(gap_days) filter (where 2 * up_to_count >= total_count)
                + min(gap_days) filter (where 2 * up_to_count > total_count)
            ) / 2",
            9, 1
        ) }} as median_gap_days
    from ranked
    group by source, as_of_number

)

select * from usual_order_gaps
