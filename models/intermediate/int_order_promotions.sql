{{ union_sources('order_promotions', [
    'order_key',
    'source',
    'promo_id',
    'department_id',
    'promo_objective',
]) }}
