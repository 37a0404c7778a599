with items as (

    {{ kept_rows(
        ref('stg_olist__order_items'),
        ref('int_olist__duplicate_rows'),
        'olist_order_items_dataset',
    ) }}

),

products as (

    {{ kept_rows(
        ref('stg_olist__products'),
        ref('int_olist__duplicate_rows'),
        'olist_products_dataset',
    ) }}

),

translations as (

    {{ kept_rows(
        ref('stg_olist__product_category_name_translation'),
        ref('int_olist__duplicate_rows'),
        'product_category_name_translation',
    ) }}

),

int_olist__order_lines as (

    select
        items.order_key,
        {{ hash_key(["'olist'", "items.product_id"]) }} as product_key,
        'olist' as source,
        items.product_id,
        -- Two categories have no translation and keep their own name.
        coalesce(translations.english_category_name, products.category_name) as category,
        cast(null as string) as subcategory,
        cast(null as string) as brand,
        items.line_number,
        1 as quantity,
        items.unit_price
    from items
    left join products
        on items.product_id = products.product_id
    left join translations
        on products.category_name = translations.category_name

)

select * from int_olist__order_lines
