with accepted as (

    {{ kept_rows(
        ref('stg_sales_json__sales_transactions'),
        ref('int_sales_json__duplicate_rows'),
        'sales_transactions',
    ) }}

),

-- There are no unit prices: the value of the sale is spread evenly over its pieces.
priced as (

    select
        order_key,
        cast(round(basket_value / item_count, 4) as decimal(18, 4)) as unit_price,
        {{ unnest_list('product_lines') }} as line
    from accepted

),

int_sales_json__order_lines as (

    select
        order_key,
        {{ hash_key(["'sales_json'", "line.product_id"]) }} as product_key,
        'sales_json' as source,
        line.product_id,
        line.line_number,
        line.quantity,
        unit_price
    from priced

)

select * from int_sales_json__order_lines
