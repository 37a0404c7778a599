-- Rule segments and not clusters: those of a past day have not seen what came later.
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

past_members as (

    select
        history.customer_key,
        coalesce(history.rfm_segment, history.lifecycle_stage) as rule_segment,
        dates.window_number,
        false as is_current
    from {{ ref('customer_rfm_history') }} as history
    inner join dates
        on
            history.source = dates.source
            and history.as_of_date = dates.group_date
    where
        history.lifecycle_stage <> 'prospect'
        -- No window begins earlier; without it the whole history would be computed.
        and history.months_back between 1 and 3

),

members as (

    select
        rfm.customer_key,
        coalesce(rfm.rfm_segment, rfm.lifecycle_stage) as rule_segment,
        windows.window_number,
        true as is_current
    from {{ ref('customer_rfm') }} as rfm
    inner join {{ ref('recommendation_windows') }} as windows
        on
            rfm.source = windows.source
            and windows.window_name = 'current'
    where rfm.lifecycle_stage <> 'prospect'

),

window_groups as (

    select
        customer_key,
        cast(rule_segment as string) as rule_segment,
        window_number,
        is_current
    from past_members
    union all
    select
        customer_key,
        cast(rule_segment as string) as rule_segment,
        window_number,
        is_current
    from members

)

select * from window_groups
