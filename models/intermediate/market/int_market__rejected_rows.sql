{{ rejected_rows('market', {
    'market_order': ref('stg_market__market_order'),
    'product_detail': ref('stg_market__product_detail'),
    'promo_detail': ref('stg_market__promo_detail'),
    'app_open': ref('stg_market__app_open'),
}) }}
