with items as (

    {{ kept_rows(
        ref('stg_olist__order_items'),
        ref('int_olist__duplicate_rows'),
        'olist_order_items_dataset',
    ) }}

),

int_olist__order_lines as (

    select
        order_key,
        {{ hash_key(["'olist'", "product_id"]) }} as product_key,
        'olist' as source,
        line_number,
        1 as quantity,
        unit_price
    from items

)

select * from int_olist__order_lines
