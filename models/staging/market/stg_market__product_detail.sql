with source as (

    select * from {{ source('market', 'product_detail') }}

),

orders as (

    select distinct order_key from {{ ref('stg_market__market_order') }}
    where reject_reasons is null

),

typed as (

    select
        *,
        {{ canonical_id('order_id') }} as canonical_order_id,
        {{ canonical_id('product_id') }} as canonical_product_id,
        {{ parse_integer('_pos') }} as line_number,
        {{ parse_integer('"count"') }} as quantity,
        {{ parse_decimal('price') }} as unit_price
    from source

),

keyed as (

    select
        *,
        {{ hash_key(["'market'", "canonical_order_id"]) }} as order_key
    from typed

),

stg_market__product_detail as (

    select
        keyed.order_key,
        keyed.canonical_order_id as order_id,
        keyed.canonical_product_id as product_id,
        {{ canonical_id('keyed.subcategory_id') }} as subcategory,
        {{ canonical_id('keyed.brand_id') }} as brand,
        {{ canonical_id('keyed.mastercategory_id') }} as category,
        {{ origin() }},
        {{ reject_reasons(dict(
            [
                ('order_id_missing', 'canonical_order_id is null'),
                ('product_id_missing', 'canonical_product_id is null'),
                ('_pos_missing', "_pos is null or trim(_pos) = ''"),
                ('_pos_not_an_integer', unreadable('_pos', 'line_number')),
                ('count_missing', "\"count\" is null or trim(\"count\") = ''"),
                ('count_not_an_integer', unreadable('"count"', 'quantity')),
                ('count_not_positive', 'coalesce(quantity <= 0, false)'),
                ('price_missing', "price is null or trim(price) = ''"),
            ]
            + amount_rules('price', 'unit_price')
            + [('orphan', 'canonical_order_id is not null and orders.order_key is null')]
        )) }} as reject_reasons,
        case when reject_reasons is not null then {{ raw_row([
            'order_id', '_pos', 'count', 'product_id', 'price', 'subcategory_id', 'brand_id',
            'mastercategory_id'
        ]) }} end as raw_row,
        keyed.line_number,
        keyed.quantity,
        keyed.unit_price
    from keyed
    left join orders
        on keyed.order_key = orders.order_key

)

select * from stg_market__product_detail
