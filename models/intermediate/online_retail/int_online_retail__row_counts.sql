{{ row_counts(
    'online_retail',
    landed=ref('stg_online_retail__landed_rows'),
    rejected=ref('int_online_retail__rejected_rows'),
    duplicates=ref('int_online_retail__duplicate_rows'),
    accepted={
        'online_retail': (ref('int_online_retail__order_lines'), 'count(*)'),
    },
) }}
