with customers as (

    select * from {{ ref('clv_inputs') }}
    where cut = 'current'

),

status as (

    select * from {{ ref('clv_status') }}

),

parameters as (

    select * from {{ ref('clv_parameters') }}
    where fitted_to = 'current' and is_converged

),

forecasts as (

    select
        customers.customer_key,
        customers.source,
        status.model_version,
        status.clv_method,
        customers.repeat_purchase_count,
        customers.frequency_score,
        customers.recency_score,
        customers.recency_days,
        customers.observed_days as tenure_days,
        customers.last_365_value,
        cells.segment_mean_value,
        scores.expected_orders_365d,
        scores.probability_alive,
        -- The mean of all customers and the own one, weighted q - 1 to p for each repeat purchase.
        parameters.p * (
            parameters.gamma
            + coalesce(customers.repeat_purchase_count * customers.repeat_purchase_cm2, 0)
        ) / (
            parameters.q - 1
            + parameters.p * (case
                when customers.repeat_purchase_cm2 is null then 0
                else customers.repeat_purchase_count
            end)
        ) as expected_order_value,
        customers.cut_date as as_of_date
    from customers
    inner join status
        on customers.source = status.source
    left join parameters
        on
            status.source = parameters.source
            and status.model_version = parameters.model_version
    left join {{ ref('clv_scores') }} as scores
        on
            customers.source = scores.source
            and customers.repeat_purchase_count = scores.repeat_purchase_count
            and customers.last_repeat_days = scores.last_repeat_days
            and customers.observed_days = scores.observed_days
    left join {{ ref('clv_cell_means') }} as cells
        on
            status.source = cells.source
            and status.model_version = cells.model_version
            and customers.frequency_score = cells.frequency_score
            and customers.recency_score = cells.recency_score

),

with_values as (

    select
        *,
        cast(expected_orders_365d * expected_order_value as decimal(18, 4)) as bg_nbd_value
    from forecasts

),

customer_lifetime_value as (

    select
        customer_key,
        source,
        model_version,
        clv_method,
        case clv_method
            when 'bg_nbd' then bg_nbd_value
            when 'segment_mean' then segment_mean_value
            when 'last_365_days' then last_365_value
        end as clv_365,
        bg_nbd_value,
        segment_mean_value,
        last_365_value,
        cast(expected_order_value as decimal(18, 4)) as expected_order_value,
        cast(expected_orders_365d as decimal(18, 6)) as expected_orders_365d,
        cast(probability_alive as decimal(9, 6)) as probability_alive,
        repeat_purchase_count,
        frequency_score,
        recency_score,
        recency_days,
        tenure_days,
        as_of_date
    from with_values

)

select * from customer_lifetime_value
