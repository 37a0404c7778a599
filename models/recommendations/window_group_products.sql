-- What few of a group bought says nothing about it, and nobody is to be recognised in it.
with bought as (

    select
        members.customer_group,
        purchases.window_number,
        purchases.product_key,
        count(*) as buyer_count
    from {{ ref('window_purchases') }} as purchases
    inner join {{ ref('window_groups') }} as members
        on
            purchases.customer_key = members.customer_key
            and purchases.window_number = members.window_number
    group by
        members.customer_group, purchases.window_number, purchases.product_key
    having count(*) >= {{ number_var('smallest_group') }}

),

window_group_products as (

    select
        products.source,
        bought.customer_group,
        bought.window_number,
        products.product_number,
        cast(
            row_number() over (
                partition by bought.customer_group, bought.window_number
                order by bought.buyer_count desc, products.product_number asc
            ) as integer
        ) as group_rank,
        bought.buyer_count
    from bought
    inner join {{ ref('window_products') }} as products
        on
            bought.product_key = products.product_key
            and bought.window_number = products.window_number
    where products.is_recommendable

)

select * from window_group_products
