{{ union_sources('ratings', [
    'order_key',
    'source',
    'rating_id',
    'rating_reason',
    'rating',
    'is_skipped',
    'rated_at',
]) }}
