{%- set measures = {
    'product_name_lenght': 'name_length',
    'product_description_lenght': 'description_length',
    'product_photos_qty': 'photo_count',
    'product_weight_g': 'weight_g',
    'product_length_cm': 'length_cm',
    'product_height_cm': 'height_cm',
    'product_width_cm': 'width_cm',
} -%}
{%- set measure_rules = [] -%}
{%- for column, value in measures.items() -%}
{%- do measure_rules.append((column ~ '_not_an_integer', unreadable(column, value))) -%}
{%- do measure_rules.append((column ~ '_negative', 'coalesce(' ~ value ~ ' < 0, false)')) -%}
{%- endfor -%}
with source as (

    select * from {{ source('olist', 'olist_products_dataset') }}

),

typed as (

    select
        *,
        {{ canonical_id('product_id') }} as canonical_product_id,
        {{ canonical_id('product_category_name') }} as category_name,
        {{ parse_integer('product_name_lenght') }} as name_length,
        {{ parse_integer('product_description_lenght') }} as description_length,
        {{ parse_integer('product_photos_qty') }} as photo_count,
        {{ parse_integer('product_weight_g') }} as weight_g,
        {{ parse_integer('product_length_cm') }} as length_cm,
        {{ parse_integer('product_height_cm') }} as height_cm,
        {{ parse_integer('product_width_cm') }} as width_cm
    from source

),

stg_olist__products as (

    select
        canonical_product_id as product_id,
        category_name,
        {{ origin() }},
        {{ reject_reasons(dict(
            md5_rules('product_id', 'canonical_product_id') + measure_rules
        )) }} as reject_reasons,
        case when reject_reasons is not null then {{ raw_row(
            ['product_id', 'product_category_name'] + measures.keys() | list
        ) }} end as raw_row,
        name_length,
        description_length,
        photo_count,
        weight_g,
        length_cm,
        height_cm,
        width_cm
    from typed

)

select * from stg_olist__products
