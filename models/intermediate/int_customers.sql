{{ union_sources('customers', [
    'customer_key',
    'source',
    'customer_id',
    'first_seen_at',
]) }}
