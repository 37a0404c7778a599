-- The end of the third month after, where that month is over.
with dates as (

    select
        source,
        as_of_number,
        case when as_of_date_3 = last_day(as_of_date_3) then as_of_number + 3 end
            as quarter_end_number,
        as_of_date
    from {{ ref('history_dates') }}
    where is_kept

),

totals as (

    select
        customer_key,
        source,
        from_number,
        until_number,
        cm2
    from {{ ref('customer_totals_to_date') }}
    where successful_order_count > 0

),

customer_next_quarters as (

    select
        totals.customer_key,
        totals.source,
        dates.as_of_number,
        cast(quarter_ends.cm2 - totals.cm2 as decimal(18, 4)) as cm2_next_quarter,
        dates.as_of_date
    from totals
    inner join dates
        on
            totals.source = dates.source
            and totals.from_number <= dates.as_of_number
            and (totals.until_number is null or totals.until_number >= dates.as_of_number)
    left join totals as quarter_ends
        on
            totals.customer_key = quarter_ends.customer_key
            and dates.quarter_end_number >= quarter_ends.from_number
            and (
                quarter_ends.until_number is null
                or dates.quarter_end_number <= quarter_ends.until_number
            )

)

select * from customer_next_quarters
