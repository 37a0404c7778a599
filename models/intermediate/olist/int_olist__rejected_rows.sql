{{ rejected_rows('olist', {
    'olist_orders_dataset': ref('stg_olist__orders'),
    'olist_customers_dataset': ref('stg_olist__customers'),
    'olist_order_items_dataset': ref('stg_olist__order_items'),
    'olist_order_payments_dataset': ref('stg_olist__order_payments'),
    'olist_order_reviews_dataset': ref('stg_olist__order_reviews'),
    'olist_products_dataset': ref('stg_olist__products'),
    'olist_sellers_dataset': ref('stg_olist__sellers'),
    'olist_geolocation_dataset': ref('stg_olist__geolocation'),
    'product_category_name_translation': ref('stg_olist__product_category_name_translation'),
}) }}
