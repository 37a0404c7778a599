-- The one pass over the lines: what windows learn from and are judged on. A product that was bought
-- twice on a day was bought once, as several lines of an order are one decision.
with spans as (

    select
        windows.source,
        as_of.as_of_date,
        min(windows.learned_from_date) as first_date
    from {{ ref('recommendation_windows') }} as windows
    inner join {{ ref('int_as_of') }} as as_of
        on windows.source = as_of.source
    group by windows.source, as_of.as_of_date

),

recent_purchases as (

    select
        lines.customer_key,
        lines.product_key,
        lines.order_date,
        min(greatest(lines.order_date, lines.delivered_date)) as known_date
    from {{ ref('fct_order_lines') }} as lines
    inner join {{ ref('dim_products') }} as products
        on lines.product_key = products.product_key
    inner join spans
        on lines.source = spans.source
    where
        lines.is_successful
        and lines.customer_key is not null
        and lines.order_date >= spans.first_date
        and lines.order_date <= spans.as_of_date
        and lines.delivered_date <= spans.as_of_date
        and products.is_merchandise
    group by lines.customer_key, lines.product_key, lines.order_date

)

select * from recent_purchases
