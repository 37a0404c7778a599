with products as (

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

int_olist__products as (

    select
        {{ hash_key(["'olist'", "products.product_id"]) }} as product_key,
        'olist' as source,
        products.product_id,
        -- Two categories have no translation and keep their own name.
        coalesce(translations.english_category_name, products.category_name) as category,
        cast(null as string) as subcategory,
        cast(null as string) as brand
    from products
    left join translations
        on products.category_name = translations.category_name

)

select * from int_olist__products
