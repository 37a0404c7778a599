{%- set wait = "interval '" ~ number_var("decision_days") ~ "' day" -%}
with first_orders as (

    select * from {{ ref('customer_first_orders') }}

),

outcomes as (

    select * from {{ ref('customer_outcomes') }}

),

horizons as (
    {% for horizon in quality_horizons() %}
    select
        first_orders.customer_key,
        first_orders.source,
        first_orders.order_key as first_order_key,
        {{ horizon }} as horizon_days,
        outcomes.repeat_orders_{{ horizon }}d > 0 as has_repeat,
        outcomes.cm2_{{ horizon }}d as horizon_cm2,
        first_orders.order_date as first_order_date,
        cast(first_orders.ordered_at + {{ wait }} as date) as decision_date,
        {{ add_days('first_orders.order_date', outcome_days(horizon)) }} as maturity_date,
        first_orders.ordered_at as first_ordered_at,
        first_orders.ordered_at + {{ wait }} as decision_at,
        first_orders.as_of_date
    from first_orders
    inner join outcomes
        on first_orders.customer_key = outcomes.customer_key
    {{ "union all" if not loop.last }}
    {% endfor %}
),

-- Before maturity nothing is known, and what is not known is null.
matured as (

    select
        *,
        maturity_date <= as_of_date as is_mature,
        case when maturity_date <= as_of_date then has_repeat end as known_repeat,
        case when maturity_date <= as_of_date then horizon_cm2 end as known_cm2
    from horizons

),

customer_quality_targets as (

    select
        customer_key,
        source,
        first_order_key,
        case
            when known_repeat and known_cm2 > 0 then 'profitable_repeat'
            when known_repeat then 'promo_dependent'
            when known_cm2 > 0 then 'profitable_once'
            when is_mature then 'costly_once'
        end as quadrant,
        horizon_days,
        known_cm2 as horizon_cm2,
        is_mature,
        known_repeat as has_repeat,
        known_repeat and known_cm2 > 0 as is_good_customer,
        first_order_date,
        decision_date,
        maturity_date,
        as_of_date,
        first_ordered_at,
        decision_at
    from matured

)

select * from customer_quality_targets
