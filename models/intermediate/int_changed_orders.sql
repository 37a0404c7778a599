-- In a full build no file counts as new: all orders are made anew, and none is listed.
with arrived as (

    {%- if 'market' in enabled_sources() %}
    {%- for table_name in ['market_order', 'product_detail', 'promo_detail'] %}
    select staged.order_key
    from {{ ref('stg_market__' ~ table_name) }} as staged
    inner join {{ ref('stg_market__new_files') }} as files
        on
            files.source_table = '{{ table_name }}'
            and staged.source_file = files.source_file
    where staged.reject_reasons is null
    union all
    {%- endfor %}
    -- The margin of a product is that of its category, and new lines may move it to another.
    select lines.order_key
    from {{ ref('stg_market__product_detail') }} as lines
    inner join {{ ref('int_changed_products') }} as products
        on lines.product_key = products.product_key
    where
        lines.reject_reasons is null
        and products.has_other_margin
    {%- else %}
    select cast(null as bigint) as order_key
    where false
    {%- endif %}

),

int_changed_orders as (

    select distinct order_key from arrived

)

select * from int_changed_orders
