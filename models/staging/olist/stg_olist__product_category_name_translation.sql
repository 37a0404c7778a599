with source as (

    select * from {{ source('olist', 'product_category_name_translation') }}

),

typed as (

    select
        *,
        {{ canonical_id('product_category_name') }} as category_name,
        {{ canonical_id('product_category_name_english') }} as english_category_name
    from source

),

stg_olist__product_category_name_translation as (

    select
        category_name,
        english_category_name,
        {{ origin() }},
        {{ reject_reasons({
            'product_category_name_missing': 'category_name is null',
            'product_category_name_english_missing': 'english_category_name is null',
        }) }} as reject_reasons,
        case when reject_reasons is not null then {{ raw_row([
            'product_category_name', 'product_category_name_english'
        ]) }} end as raw_row
    from typed

)

select * from stg_olist__product_category_name_translation
