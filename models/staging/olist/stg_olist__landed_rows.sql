with stg_olist__landed_rows as (
    {% for table_name in [
        'olist_orders_dataset', 'olist_customers_dataset', 'olist_order_items_dataset',
        'olist_order_payments_dataset', 'olist_order_reviews_dataset', 'olist_products_dataset',
        'olist_sellers_dataset', 'olist_geolocation_dataset', 'product_category_name_translation',
    ] %}
    select
        '{{ table_name }}' as source_table,
        count(*) as landed_count
    from {{ source('olist', table_name) }}
    {{ "union all" if not loop.last }}
    {% endfor %}
)

select * from stg_olist__landed_rows
