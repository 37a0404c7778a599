-- Each pair once, the more popular product first.
with window_product_pairs as (

    select
        first_items.window_number,
        first_items.product_number as first_product_number,
        second_items.product_number as second_product_number,
        count(*) as customer_count
    from {{ ref('window_items') }} as first_items
    inner join {{ ref('window_items') }} as second_items
        on
            first_items.customer_key = second_items.customer_key
            and first_items.window_number = second_items.window_number
            and first_items.product_number < second_items.product_number
    group by
        first_items.window_number,
        first_items.product_number,
        second_items.product_number

)

select * from window_product_pairs
