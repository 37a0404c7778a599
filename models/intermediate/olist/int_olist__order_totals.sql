with items as (

    {{ kept_rows(
        ref('stg_olist__order_items'),
        ref('int_olist__duplicate_rows'),
        'olist_order_items_dataset',
    ) }}

),

int_olist__order_totals as (

    select
        order_key,
        count(*) as item_count,
        cast(sum(unit_price) as decimal(18, 4)) as basket_value,
        cast(sum(delivery_fee) as decimal(18, 4)) as delivery_fee
    from items
    group by order_key

)

select * from int_olist__order_totals
