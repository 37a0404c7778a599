with outcomes as (

    select * from {{ ref('customer_quality_targets') }}
    where horizon_days = 90

),

-- What a good new customer has brought more than another, in the 90 days that make the difference.
values_of_good as (

    select
        source,
        {{ to_decimal(
            mean_of_decimals("case when is_good_customer then horizon_cm2 end")
            ~ " - "
            ~ mean_of_decimals("case when not is_good_customer then horizon_cm2 end"),
            18, 4
        ) }} as value_of_good
    from outcomes
    where is_mature
    group by source

),

new_customers as (

    select
        quality.*,
        outcomes.maturity_date,
        customers.customer_id,
        so_far.repeat_orders_90d > 0 as has_ordered_again,
        case
            when so_far.repeat_orders_90d > 0 then 'ordered_again'
            else coalesce(quality.quadrant_forecast, 'no_forecast')
        end as situation
    from {{ ref('customer_quality') }} as quality
    inner join outcomes
        on quality.customer_key = outcomes.customer_key
    inner join {{ ref('customer_outcomes') }} as so_far
        on quality.customer_key = so_far.customer_key
    inner join {{ ref('dim_customers') }} as customers
        on quality.customer_key = customers.customer_key
    -- New is who was judged and whose outcome is still open.
    where not outcomes.is_mature

),

new_customer_playbook as (

    select
        new_customers.customer_key,
        new_customers.source,
        new_customers.customer_id,
        new_customers.quality_status,
        new_customers.situation,
        new_customers.quadrant_forecast,
        new_customers.reason_1,
        new_customers.reason_2,
        new_customers.reason_3,
        steps.next_step,
        steps.channel,
        steps.offer,
        new_customers.decile as quality_decile,
        new_customers.probability,
        steps.assumed_uplift,
        values_of_good.value_of_good,
        steps.cost_per_contact,
        -- Somebody who is surely good, or surely not, cannot be moved: the uplift counts most
        -- where the outcome is open. 4 * p * (1 - p) is 1 at even odds.
        cast(
            4 * new_customers.probability * (1 - new_customers.probability)
            * steps.assumed_uplift * values_of_good.value_of_good
            - steps.cost_per_contact
            as decimal(18, 4)
        ) as expected_value_of_acting,
        new_customers.has_ordered_again,
        new_customers.first_order_date,
        new_customers.decision_date,
        new_customers.maturity_date,
        new_customers.as_of_date
    from new_customers
    inner join {{ ref('new_customer_steps') }} as steps
        on new_customers.situation = steps.situation
    left join values_of_good
        on new_customers.source = values_of_good.source

)

select * from new_customer_playbook
