{#- Each window is judged on a sample; drawn by what was known of a customer when it began. -#}
{%- set most_customers = 5000 -%}
with bought as (

    select
        purchases.customer_key,
        purchases.product_key,
        windows.window_number,
        windows.learned_until_date
    from {{ ref('recent_purchases') }} as purchases
    inner join {{ ref('dim_products') }} as products
        on purchases.product_key = products.product_key
    inner join {{ ref('recommendation_windows') }} as windows
        on
            products.source = windows.source
            and purchases.order_date >= windows.judged_from_date
            and purchases.order_date <= windows.judged_until_date
    group by
        purchases.customer_key,
        purchases.product_key,
        windows.window_number,
        windows.learned_until_date

),

buyers as (

    select distinct
        customer_key,
        window_number,
        learned_until_date
    from bought

),

known_before as (

    select
        buyers.customer_key,
        buyers.window_number,
        count(*) as order_count,
        sum(orders.net_revenue) as net_revenue,
        min(orders.ordered_at) as first_ordered_at,
        max(orders.ordered_at) as last_ordered_at
    from {{ ref('known_successes') }} as orders
    inner join buyers
        on
            orders.customer_key = buyers.customer_key
            and orders.known_date <= buyers.learned_until_date
    group by buyers.customer_key, buyers.window_number

),

keyed as (

    select
        *,
        {{ content_key(
            ['order_count', 'net_revenue', 'first_ordered_at', 'last_ordered_at']
        ) }} as sample_key
    from known_before

),

numbered as (

    select
        customer_key,
        window_number,
        row_number() over (
            partition by window_number
            order by sample_key, customer_key
        ) as customer_number
    from keyed

),

window_targets as (

    select
        bought.customer_key,
        bought.product_key,
        bought.window_number,
        cast(numbered.customer_number as integer) as customer_number,
        products.product_number
    from bought
    inner join numbered
        on
            bought.customer_key = numbered.customer_key
            and bought.window_number = numbered.window_number
    left join {{ ref('window_products') }} as products
        on
            bought.product_key = products.product_key
            and bought.window_number = products.window_number
    where numbered.customer_number <= {{ most_customers }}

)

select * from window_targets
