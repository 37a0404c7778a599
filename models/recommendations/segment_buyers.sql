-- How many of each segment bought anything of late, and the category most of their products are of.
with active_customers as (

    select distinct purchases.customer_key
    from {{ ref('window_purchases') }} as purchases
    inner join {{ ref('recommendation_windows') }} as windows
        on
            purchases.window_number = windows.window_number
            and windows.window_name = 'current'

),

buyers as (

    select
        members.source,
        members.segment_id,
        members.segment_name,
        count(*) as segment_buyer_count
    from {{ ref('customer_segments') }} as members
    inner join active_customers
        on members.customer_key = active_customers.customer_key
    group by members.source, members.segment_id, members.segment_name

),

categories as (

    select
        purchases.source,
        purchases.segment_id,
        products.category,
        row_number() over (
            partition by purchases.source, purchases.segment_id
            order by sum(purchases.buyer_count) desc, products.category asc
        ) as category_rank
    from {{ ref('segment_purchases') }} as purchases
    inner join {{ ref('dim_products') }} as products
        on purchases.product_key = products.product_key
    where products.category is not null
    group by purchases.source, purchases.segment_id, products.category

),

segment_buyers as (

    select
        buyers.source,
        buyers.segment_id,
        buyers.segment_name,
        categories.category as top_category,
        buyers.segment_buyer_count
    from buyers
    left join categories
        on
            buyers.source = categories.source
            and buyers.segment_id = categories.segment_id
            and categories.category_rank = 1

)

select * from segment_buyers
