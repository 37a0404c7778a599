{{ landed_rows('market', ['market_order', 'product_detail', 'promo_detail', 'app_open']) }}
