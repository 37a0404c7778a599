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
        {{ to_decimal('cast(basket_value as double) / item_count', 18, 4) }} as unit_price,
        {{ unnest_elements('product_lines', 'product', 'line_number') }}
    from accepted

),

int_sales_json__order_lines as (

    select
        order_key,
        {{ hash_key(["'sales_json'", "product['product_id']"]) }} as product_key,
        'sales_json' as source,
        product['product_id'] as product_id,
        cast(line_number as integer) as line_number,
        product['quantity'] as quantity,
        unit_price
    from priced

)

select * from int_sales_json__order_lines
