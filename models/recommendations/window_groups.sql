-- Rule segments and not clusters: those of a past day are known without having seen what came later.
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
    where dates.is_kept
    group by windows.source, windows.window_number

),

window_groups as (

    select
        history.customer_key,
        history.source,
        cast(coalesce(history.rfm_segment, history.lifecycle_stage) as string) as rule_segment,
        dates.window_number,
        history.is_current
    from {{ ref('customer_rfm_history') }} as history
    inner join dates
        on
            history.source = dates.source
            and history.as_of_date = dates.group_date
    where
        history.lifecycle_stage <> 'prospect'
        -- Where the earliest window begins, at most; else the whole history would be computed.
        and history.months_back <= 3

)

select * from window_groups
