-- How many orders each check could look at. One of which the fact in question is not known is
-- not among them.
with order_check_counts as (

    select
        as_of.source,
        count(orders.order_key) as order_count,
        count(orders.charged_amount) as charged_count,
        count(orders.delivered_at) as delivered_count,
        count(case when orders.is_cancelled then 1 end) as cancelled_count,
        count(case when orders.line_count > 0 then 1 end) as with_lines_count,
        count(case when orders.is_successful then 1 end) as successful_count,
        count(case when orders.is_successful and orders.product_cost = 0 then 1 end)
            as without_cost_count,
        count(case when orders.order_date > as_of.as_of_date then 1 end) as after_as_of_count,
        count(
            distinct case
                when orders.order_date between as_of.first_order_date and as_of.as_of_date
                    then orders.order_date
            end
        ) as day_with_orders_count,
        cast(
            coalesce(
                sum(
                    case
                        when orders.is_successful and orders.product_cost = 0
                            then orders.basket_value
                    end
                ), 0
            ) as decimal(18, 4)
        ) as without_cost_amount,
        cast(
            coalesce(
                sum(
                    case
                        when orders.is_successful and orders.order_date > as_of.as_of_date
                            then orders.net_revenue
                    end
                ), 0
            ) as decimal(18, 4)
        ) as after_as_of_amount,
        max(case when orders.order_date <= as_of.as_of_date then orders.order_date end)
            as last_known_order_date
    from {{ ref('int_as_of') }} as as_of
    left join {{ ref('fct_orders') }} as orders
        on
            as_of.source = orders.source
            and orders.order_date is not null
    group by as_of.source

)

select * from order_check_counts
