{{ customer_spellings('sales_json', [
    (ref('stg_sales_json__sales_transactions'), hash_key(["'sales_json'", 'customer_id'])),
]) }}
