-- A line that a restated order no longer has is set aside as one that it has otherwise; a line may
-- be both, and is one row. What was set aside stays so: later rows are newer ones.
with repeated as (

    {{ repeated_rows(
        'market',
        of_changed(ref('stg_market__market_order'), 'order_key'),
        'market_order',
        keys=['order_key'],
        times=['basket_created_at', 'ordered_at', 'delivered_at', 'rated_at'],
        content=[
            'customer_id', 'basket_value', 'charged_amount', 'delivery_fee', 'discount_amount',
            'supplier_support', 'third_party_support', 'marketing_cost', 'distance_km', 'rating',
            'is_rating_skipped', 'rating_reason', 'city', 'device_name', 'warehouse_id',
        ],
    ) }}
    union all
    {{ repeated_rows(
        'market',
        of_changed(ref('stg_market__product_detail'), 'order_key'),
        'product_detail',
        keys=['order_key', 'line_number'],
        times=[],
        content=['product_key', 'quantity', 'unit_price'],
        numbered_by='line_number',
    ) }}
    union all
    {{ repeated_rows(
        'market',
        of_changed(ref('stg_market__promo_detail'), 'order_key'),
        'promo_detail',
        keys=['order_key', 'promo_id'],
        times=[],
        content=['department_id', 'promo_objective'],
    ) }}

),

replaced as (

    {%- for table_name in ['product_detail', 'promo_detail'] %}
    {{ replaced_rows(
        'market',
        of_changed(ref('stg_market__' ~ table_name), 'order_key'),
        table_name,
        key='order_key',
        wholes=of_changed(ref('stg_market__market_order'), 'order_key'),
    ) }}
    {{ "union all" if not loop.last }}
    {%- endfor %}

),

int_market__duplicate_rows as (

    select * from repeated
    union
    select * from replaced

)

select * from int_market__duplicate_rows
