with customers as (

    select
        source,
        count(*) as customer_count,
        max(as_of_date) as as_of_date
    from {{ ref('customer_segments') }}
    group by source

),

kept as (

    select
        source,
        count(*) filter (where dbt_valid_to is null) as open_row_count,
        max(as_of_date) as latest_recorded_date
    from {{ ref('customer_segment_history') }}
    group by source

),

compared as (

    select
        shops.source,
        coalesce(customers.customer_count, 0) as customer_count,
        coalesce(kept.open_row_count, 0) as open_row_count,
        kept.latest_recorded_date,
        customers.as_of_date
    from {{ ref('segmentation_status') }} as shops
    left join customers
        on shops.source = customers.source
    left join kept
        on shops.source = kept.source

),

-- The snapshot has run by now. What it took over bears the as-of date; where nobody moved it took
-- over nothing, and the rules that it goes by say that it would have.
judged as (

    select
        *,
        case
            when latest_recorded_date = as_of_date then 'recorded'
            when latest_recorded_date > as_of_date then 'earlier_date'
            when 2 * customer_count < open_row_count then 'collapsed'
            else 'recorded'
        end as history_status
    from compared

),

segment_history_status as (

    select
        source,
        history_status,
        case history_status
            when 'recorded' then 'the segments as of this date are in the history'
            when 'earlier_date'
                then
                    'the history knows a later date, ' || latest_recorded_date
                    || ', so nothing was written'
            else
                customer_count || ' customers are less than half of the ' || open_row_count
                || ' that the history knows, so nothing was written'
        end as reason,
        customer_count,
        open_row_count,
        latest_recorded_date,
        as_of_date
    from judged

)

select * from segment_history_status
