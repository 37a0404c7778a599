{{ rejected_rows('sales_json', {
    'sales_transactions': ref('stg_sales_json__sales_transactions'),
}) }}
