{{ landed_rows('olist', [
    'olist_orders_dataset', 'olist_customers_dataset', 'olist_order_items_dataset',
    'olist_order_payments_dataset', 'olist_order_reviews_dataset', 'olist_products_dataset',
    'olist_sellers_dataset', 'olist_geolocation_dataset', 'product_category_name_translation',
]) }}
