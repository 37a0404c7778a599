with periods as (

    select
        source,
        calibration_date,
        as_of_date,
        {{ add_days('calibration_date', '-365') }} as calibration_year_ago,
        {{ add_days('as_of_date', '-365') }} as year_ago
    from {{ ref('clv_periods') }}

),

orders as (

    select
        orders.customer_key,
        orders.source,
        orders.order_date,
        orders.cm2,
        coalesce(
            orders.delivered_date <= periods.calibration_date
            and orders.order_date <= periods.calibration_date,
            false
        ) as is_calibration
    from {{ ref('known_successes') }} as orders
    inner join periods
        on orders.source = periods.source

),

-- Orders of one day are one purchase: the model counts times at which people buy.
purchase_days as (

    select
        customer_key,
        source,
        order_date,
        sum(cm2) as cm2,
        sum(case when is_calibration then cm2 end) as calibration_cm2,
        bool_or(is_calibration) as is_calibration
    from orders
    group by customer_key, source, order_date

),

-- An aggregate that is joined: windows would sort all days.
first_days as (

    select
        customer_key,
        min(order_date) as first_date,
        min(case when is_calibration then order_date end) as calibration_first_date
    from purchase_days
    group by customer_key

),

judged_days as (

    select
        purchases.*,
        purchases.order_date > periods.calibration_date as is_holdout,
        purchases.order_date > first_days.first_date as is_repeat,
        purchases.order_date > first_days.calibration_first_date as is_calibration_repeat,
        purchases.order_date > periods.year_ago as is_of_last_365,
        purchases.order_date > periods.calibration_year_ago as is_of_calibration_last_365
    from purchase_days as purchases
    inner join first_days
        on purchases.customer_key = first_days.customer_key
    inner join periods
        on purchases.source = periods.source

),

-- Both cuts of a customer in one pass.
customers as (

    select
        customer_key,
        source,
        count(*) as purchase_day_count,
        count(*) filter (where is_calibration) as calibration_days,
        count(*) filter (where is_holdout) as holdout_days,
        {{ mean_of_decimals("case when is_repeat then cm2 end") }} as repeat_cm2,
        {{ mean_of_decimals("case when is_calibration_repeat then calibration_cm2 end") }}
            as calibration_repeat_cm2,
        coalesce(sum(cm2) filter (where is_of_last_365), 0) as last_365_value,
        coalesce(sum(calibration_cm2) filter (where is_of_calibration_last_365), 0)
            as calibration_last_365_value,
        coalesce(sum(cm2) filter (where is_holdout), 0) as holdout_cm2,
        min(order_date) as first_date,
        max(order_date) as last_date,
        min(order_date) filter (where is_calibration) as calibration_first_date,
        max(order_date) filter (where is_calibration) as calibration_last_date
    from judged_days
    group by customer_key, source

),

cuts as (

    select
        customers.customer_key,
        customers.source,
        'current' as cut,
        customers.purchase_day_count,
        customers.repeat_cm2,
        customers.last_365_value,
        cast(null as integer) as holdout_purchase_count,
        cast(null as decimal(18, 4)) as holdout_cm2,
        customers.first_date,
        customers.last_date,
        periods.as_of_date as cut_date
    from customers
    inner join periods
        on customers.source = periods.source

    union all

    select
        customers.customer_key,
        customers.source,
        'calibration' as cut,
        customers.calibration_days as purchase_day_count,
        customers.calibration_repeat_cm2 as repeat_cm2,
        customers.calibration_last_365_value as last_365_value,
        cast(customers.holdout_days as integer) as holdout_purchase_count,
        cast(customers.holdout_cm2 as decimal(18, 4)) as holdout_cm2,
        customers.calibration_first_date as first_date,
        customers.calibration_last_date as last_date,
        periods.calibration_date as cut_date
    from customers
    inner join periods
        on customers.source = periods.source
    where customers.calibration_days > 0

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
