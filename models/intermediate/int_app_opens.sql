{{ union_sources('app_opens', [
    'customer_key',
    'source',
    'opened_at',
]) }}
