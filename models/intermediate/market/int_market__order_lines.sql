with accepted as (

    {{ kept_rows(
        of_changed(ref('stg_market__product_detail'), 'order_key'),
        ref('int_market__duplicate_rows'),
        'product_detail',
    ) }}

),

int_market__order_lines as (

    select
        order_key,
        product_key,
        'market' as source,
        line_number,
        quantity,
        unit_price
    from accepted

)

select * from int_market__order_lines
