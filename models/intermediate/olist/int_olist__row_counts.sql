-- The tables that only lend columns arrive nowhere: they are counted by their distinct keys.
{%- set lender_count = 'count(distinct {}) filter (where reject_reasons is null)' %}
{{ row_counts(
    'olist',
    landed=ref('stg_olist__landed_rows'),
    rejected=ref('int_olist__rejected_rows'),
    duplicates=ref('int_olist__duplicate_rows'),
    accepted={
        'olist_orders_dataset': (ref('int_olist__orders'), 'count(*)'),
        'olist_order_items_dataset': (ref('int_olist__order_lines'), 'count(*)'),
        'olist_order_reviews_dataset': (ref('int_olist__ratings'), 'count(*)'),
        'olist_order_payments_dataset': (ref('int_olist__order_payments'), 'sum(payment_count)'),
        'olist_geolocation_dataset': (ref('int_olist__zip_locations'), 'sum(point_count)'),
        'olist_customers_dataset': (
            ref('stg_olist__customers'), lender_count.format('order_customer_id')
        ),
        'olist_products_dataset': (ref('stg_olist__products'), lender_count.format('product_id')),
        'olist_sellers_dataset': (ref('stg_olist__sellers'), lender_count.format('seller_id')),
        'product_category_name_translation': (
            ref('stg_olist__product_category_name_translation'),
            lender_count.format('category_name'),
        ),
    },
) }}
