-- Geolocation has no key, so none of its rows repeats one: the points of a zip prefix are replaced
-- by those of a later load. The estimated delivery is a promise made at the start: it does not say
-- how much a row of orders knew, so it is content and not a time.
{%- set keyed_tables = {
    'olist_customers_dataset': {
        'staged': 'stg_olist__customers',
        'keys': ['order_customer_id'],
        'content': ['customer_id', 'zip_prefix', 'city', 'state'],
    },
    'olist_products_dataset': {
        'staged': 'stg_olist__products',
        'keys': ['product_id'],
        'content': [
            'category_name', 'name_length', 'description_length', 'photo_count', 'weight_g',
            'length_cm', 'height_cm', 'width_cm',
        ],
    },
    'olist_sellers_dataset': {
        'staged': 'stg_olist__sellers',
        'keys': ['seller_id'],
        'content': ['zip_prefix', 'city', 'state'],
    },
    'product_category_name_translation': {
        'staged': 'stg_olist__product_category_name_translation',
        'keys': ['category_name'],
        'content': ['english_category_name'],
    },
} %}
{%- set order_parts = {
    'olist_order_items_dataset': 'stg_olist__order_items',
    'olist_order_payments_dataset': 'stg_olist__order_payments',
} %}
with repeated as (

    {{ repeated_rows(
        'olist',
        ref('stg_olist__orders'),
        'olist_orders_dataset',
        keys=['order_key'],
        times=['ordered_at', 'approved_at', 'handed_over_at', 'delivered_at'],
        content=['order_customer_id', 'order_status', 'estimated_delivery_at'],
    ) }}
    union all
    {{ repeated_rows(
        'olist',
        ref('stg_olist__order_items'),
        'olist_order_items_dataset',
        keys=['order_key', 'line_number'],
        times=[],
        content=['product_id', 'seller_id', 'unit_price', 'delivery_fee', 'shipping_limit_at'],
    ) }}
    union all
    {{ repeated_rows(
        'olist',
        ref('stg_olist__order_payments'),
        'olist_order_payments_dataset',
        keys=['order_key', 'payment_number'],
        times=[],
        content=['payment_type', 'installment_count', 'payment_amount'],
    ) }}
    union all
    {{ repeated_rows(
        'olist',
        ref('stg_olist__order_reviews'),
        'olist_order_reviews_dataset',
        keys=['order_key', 'review_id'],
        times=['review_requested_at', 'rated_at'],
        content=['rating', 'comment_title', 'comment_message'],
    ) }}
    {%- for table_name, table in keyed_tables.items() %}
    union all
    {{ repeated_rows(
        'olist',
        ref(table.staged),
        table_name,
        keys=table['keys'],
        times=[],
        content=table.content,
    ) }}
    {%- endfor %}

),

replaced as (

    {%- for table_name, staged in order_parts.items() %}
    {{ replaced_rows(
        'olist',
        ref(staged),
        table_name,
        key='order_key',
        wholes=ref('stg_olist__orders'),
    ) }}
    union all
    {%- endfor %}
    {{ replaced_rows(
        'olist', ref('stg_olist__geolocation'), 'olist_geolocation_dataset', key='zip_prefix'
    ) }}

),

int_olist__duplicate_rows as (

    select * from repeated
    union
    select * from replaced

)

select * from int_olist__duplicate_rows
