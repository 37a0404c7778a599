{%- set count = adapter.quote('count') %}
{%- set is_needed = "reject_reasons is null" ~ (
    " and order_id in (select " ~ canonical_id("order_id") ~ " from source)" if is_incremental() else ""
) %}
with source as (

    select * from {{ landed('market', 'product_detail') }}
    {{ judged_again([
        'order_id', '_pos', 'count', 'product_id', 'price', 'subcategory_id', 'brand_id',
        'mastercategory_id',
    ]) }}

),

orders as (

    select
        order_id as known_order_id,
        min(order_key) as order_key
    from {{ ref('stg_market__market_order') }}
    where {{ is_needed }}
    group by order_id

),

-- All that can be said of a line alone is said here: where orders do not fit into memory, lines
-- wait on disk for theirs, and short ones wait cheaply.
typed as (

    select
        *,
        {{ origin() }},
        {{ canonical_id('order_id') }} as canonical_order_id,
        {{ hash_key(["'market'", canonical_id('product_id')]) }} as product_key,
        {{ parse_integer('_pos') }} as line_number,
        {{ parse_integer(count) }} as quantity,
        {{ parse_decimal('price') }} as unit_price
    from source

),

-- Joined on the order's id and not on a hash of it: a hash a line would cost more than the join.
-- The product's own columns are staged once a product, in stg_market__products.
stg_market__product_detail as (

    select
        orders.order_key,
        typed.product_key,
        typed.source_file,
        typed.source_record,
        typed.ingested_at,
        {{ reject_reasons(dict(
            [
                ('order_id_missing', 'canonical_order_id is null'),
                ('product_id_missing', 'typed.product_key is null'),
                ('_pos_missing', missing('_pos', 'line_number')),
                ('_pos_not_an_integer', unreadable('_pos', 'line_number')),
                ('count_missing', missing(count, 'quantity')),
                ('count_not_an_integer', unreadable(count, 'quantity')),
                ('count_not_positive', 'coalesce(quantity <= 0, false)'),
                ('count_absurd', 'coalesce(quantity > ' ~ number_var('largest_quantity') ~ ', false)'),
                ('price_missing', missing('price', 'unit_price')),
            ]
            + amount_rules('price', 'unit_price')
            + orphan_rules('canonical_order_id', 'orders.order_key')
        )) }} as reject_reasons,
        case when reject_reasons is not null then {{ raw_row([
            'order_id', '_pos', 'count', 'product_id', 'price', 'subcategory_id', 'brand_id',
            'mastercategory_id'
        ]) }} end as raw_row,
        typed.line_number,
        typed.quantity,
        typed.unit_price
    from typed
    left join orders
        on typed.canonical_order_id = orders.known_order_id

)

select * from stg_market__product_detail
