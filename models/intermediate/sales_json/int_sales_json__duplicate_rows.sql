{{ repeated_rows(
    'sales_json',
    ref('stg_sales_json__sales_transactions'),
    'sales_transactions',
    keys=['order_key'],
    times=['paid_at'],
    content=[
        'customer_id', 'basket_value', 'paid_amount', 'discount_amount', 'product_json',
        'sales_channel', 'service_centre',
    ],
) }}
