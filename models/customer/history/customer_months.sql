with orders as (

    select * from {{ ref('customer_order_months') }}

),

app_opens as (

    select * from {{ ref('customer_app_open_months') }}

),

joined as (

    select
        coalesce(orders.customer_key, app_opens.customer_key) as customer_key,
        coalesce(orders.calendar_month, app_opens.calendar_month) as calendar_month,
        {%- for count in [
            'order_count', 'successful_order_count', 'cancelled_order_count', 'promo_order_count',
            'rating_count', 'skipped_rating_count', 'rating_sum', 'new_category_count',
            'app_open_count',
        ] %}
        coalesce({{ count }}, 0) as {{ count }},
        {%- endfor %}
        {%- for amount in [
            'basket_value', 'discount_amount', 'own_discount', 'net_revenue', 'cm1', 'cm2'
        ] %}
        cast(coalesce({{ amount }}, 0) as decimal(18, 4)) as {{ amount }},
        {%- endfor %}
        orders.first_order_date,
        orders.last_order_date,
        app_opens.last_open_date
    from orders
    full join app_opens
        on
            orders.customer_key = app_opens.customer_key
            and orders.calendar_month = app_opens.calendar_month

),

-- Whoever opened the app and never filled a cart is nobody yet.
customer_months as (

    select
        joined.*,
        customers.source
    from joined
    inner join {{ ref('dim_customers') }} as customers
        on joined.customer_key = customers.customer_key

)

select * from customer_months
