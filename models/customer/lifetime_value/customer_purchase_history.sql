with orders as (

    select
        orders.customer_key,
        orders.source,
        orders.order_date,
        orders.cm2,
        coalesce(orders.delivered_date <= periods.calibration_date, false) as is_calibration,
        coalesce(orders.order_date > periods.calibration_date, false) as is_holdout,
        periods.calibration_date,
        periods.as_of_date
    from {{ ref('known_successes') }} as orders
    inner join {{ ref('clv_periods') }} as periods
        on orders.source = periods.source

),

-- Orders of one day are one purchase: the model counts times at which people buy.
purchase_days as (

    select
        customer_key,
        source,
        order_date,
        sum(cm2) as cm2,
        sum(case when is_calibration and not is_holdout then cm2 end) as calibration_cm2,
        bool_or(is_calibration and not is_holdout) as is_calibration,
        bool_or(is_holdout) as is_holdout,
        min(calibration_date) as calibration_date,
        min(as_of_date) as as_of_date
    from orders
    group by customer_key, source, order_date

),

with_first_days as (

    select
        *,
        min(order_date) over (partition by customer_key) as first_date,
        min(case when is_calibration then order_date end) over (partition by customer_key)
            as calibration_first_date
    from purchase_days

),

-- Both cuts of a customer in one pass.
customers as (

    select
        customer_key,
        source,
        count(*) as purchase_day_count,
        count(*) filter (where is_calibration) as calibration_days,
        count(*) filter (where is_holdout) as holdout_days,
        {{ mean_of_decimals("case when order_date > first_date then cm2 end") }} as repeat_cm2,
        {{ mean_of_decimals(
            "case
                when is_calibration and order_date > calibration_first_date then calibration_cm2
            end"
        ) }} as calibration_repeat_cm2,
        coalesce(
            sum(cm2) filter (where order_date > {{ add_days('as_of_date', '-365') }}), 0
        ) as last_365_value,
        coalesce(
            sum(calibration_cm2) filter (
                where order_date > {{ add_days('calibration_date', '-365') }}
            ),
            0
        ) as calibration_last_365_value,
        coalesce(sum(cm2) filter (where is_holdout), 0) as holdout_cm2,
        min(first_date) as first_date,
        max(order_date) as last_date,
        min(calibration_first_date) as calibration_first_date,
        max(order_date) filter (where is_calibration) as calibration_last_date,
        min(calibration_date) as calibration_date,
        min(as_of_date) as as_of_date
    from with_first_days
    group by customer_key, source

),

cuts as (

    select
        customer_key,
        source,
        'current' as cut,
        purchase_day_count,
        repeat_cm2,
        last_365_value,
        cast(null as integer) as holdout_purchase_count,
        cast(null as decimal(18, 4)) as holdout_cm2,
        first_date,
        last_date,
        as_of_date as cut_date
    from customers

    union all

    select
        customer_key,
        source,
        'calibration' as cut,
        calibration_days as purchase_day_count,
        calibration_repeat_cm2 as repeat_cm2,
        calibration_last_365_value as last_365_value,
        cast(holdout_days as integer) as holdout_purchase_count,
        cast(holdout_cm2 as decimal(18, 4)) as holdout_cm2,
        calibration_first_date as first_date,
        calibration_last_date as last_date,
        calibration_date as cut_date
    from customers
    where calibration_days > 0

),

customer_purchase_history as (

    select
        customer_key,
        source,
        cut,
        cast(purchase_day_count - 1 as integer) as repeat_purchase_count,
        cast({{ days_between('first_date', 'last_date') }} as integer) as last_repeat_days,
        cast({{ days_between('first_date', 'cut_date') }} as integer) as observed_days,
        {{ to_decimal('repeat_cm2', 18, 4) }} as repeat_purchase_cm2,
        cast(last_365_value as decimal(18, 4)) as last_365_value,
        holdout_purchase_count,
        holdout_cm2,
        cut_date
    from cuts

)

select * from customer_purchase_history
