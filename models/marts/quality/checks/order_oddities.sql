with orders as (

    select * from {{ ref('fct_orders') }}
    where order_date is not null

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

first_ratings as (

    select
        order_key,
        min(rated_at) as rated_at
    from {{ ref('fct_ratings') }}
    group by order_key

),

-- A column per finding: null where the order is in order, else the money that is in doubt.
judged as (

    select
        orders.*,
        first_ratings.rated_at,
        as_of.last_order_date as plausible_last_date,
        -- Nothing charged is what a cancellation leaves; the fact takes it for one, too.
        case
            when
                abs(orders.charge_gap) > 0.01
                and not (orders.is_cancelled and orders.charged_amount = 0)
                then abs(orders.charge_gap)
        end as charge_gap_amount,
        case when orders.delivered_at < orders.ordered_at then 0 end
            as delivered_before_ordered_amount,
        case when orders.ordered_at < orders.basket_created_at then 0 end
            as ordered_before_basket_amount,
        case
            when
                {{ days_between('orders.order_date', 'orders.delivered_date') }}
                > {{ number_var('late_delivery_days') }}
                then 0
        end as late_delivery_amount,
        case
            when orders.is_cancelled and orders.delivered_at is not null
                then abs(orders.net_revenue)
        end as cancelled_but_delivered_amount,
        case when orders.line_count = 0 then orders.basket_value end as no_lines_amount,
        -- A value that was spread over the pieces is rounded at each piece by up to 0.00005.
        case
            when
                orders.line_count > 0
                and orders.basket_value <> 0
                and abs(orders.lines_value - orders.basket_value)
                > 0.01 + 0.00005 * orders.item_count
                then abs(orders.lines_value - orders.basket_value)
        end as lines_differ_from_basket_amount,
        case when orders.basket_value = 0 and orders.lines_value > 0 then orders.lines_value end
            as lines_without_basket_value_amount,
        case
            when orders.refund_amount > orders.basket_value
                then orders.refund_amount - orders.basket_value
        end as refund_above_basket_amount,
        case
            when orders.discount_amount > orders.basket_value
                then orders.discount_amount - orders.basket_value
        end as discount_above_basket_amount,
        case
            when orders.supplier_support + orders.third_party_support > orders.discount_amount
                then
                    orders.supplier_support
                    + orders.third_party_support
                    - orders.discount_amount
        end as support_above_discount_amount,
        case when orders.is_successful and orders.cm2 < 0 then -orders.cm2 end
            as negative_cm2_amount,
        case
            when orders.customer_key is null and orders.is_successful then abs(orders.net_revenue)
            when orders.customer_key is null then 0
        end as missing_customer_amount,
        case when first_ratings.rated_at < orders.ordered_at then 0 end
            as rated_before_ordered_amount,
        case
            when orders.order_date > as_of.last_order_date and orders.is_successful
                then abs(orders.net_revenue)
            when orders.order_date > as_of.last_order_date then 0
        end as after_plausible_last_day_amount
    from orders
    inner join as_of
        on orders.source = as_of.source
    left join first_ratings
        on orders.order_key = first_ratings.order_key

),

order_oddities as (

    select
        order_key,
        customer_key,
        source,
        order_id,
        basket_value,
        lines_value,
        discount_amount,
        cast(supplier_support + third_party_support as decimal(18, 4)) as support_amount,
        refund_amount,
        charged_amount,
        expected_charge,
        cm2,
        {%- for finding in order_finding_names() %}
        cast({{ finding }}_amount as decimal(18, 4)) as {{ finding }}_amount,
        {%- endfor %}
        order_date,
        delivered_date,
        plausible_last_date,
        basket_created_at,
        ordered_at,
        delivered_at,
        rated_at
    from judged
    where
        coalesce(
            {%- for finding in order_finding_names() %}
            {{ finding }}_amount{{ "," if not loop.last }}
            {%- endfor %}
        ) is not null

)

select * from order_oddities
