with histories as (

    select
        source,
        as_of_date,
        {{ days_between('first_order_date', 'as_of_date') }} as history_days
    from {{ ref('int_as_of') }}

),

-- The holdout is never longer than what is left to learn from before it.
holdouts as (

    select
        source,
        as_of_date,
        history_days,
        case
            when history_days >= 180 then cast(least(365, floor(history_days / 2)) as integer)
        end as holdout_days
    from histories

),

clv_periods as (

    select
        source,
        cast(history_days as integer) as history_days,
        holdout_days,
        {{ add_days('as_of_date', '-holdout_days') }} as calibration_date,
        as_of_date
    from holdouts

)

select * from clv_periods
