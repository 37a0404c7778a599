{{ row_counts(
    'sales_json',
    landed=ref('stg_sales_json__landed_rows'),
    rejected=ref('int_sales_json__rejected_rows'),
    duplicates=ref('int_sales_json__duplicate_rows'),
    accepted={
        'sales_transactions': (ref('int_sales_json__orders'), 'count(*)'),
    },
) }}
