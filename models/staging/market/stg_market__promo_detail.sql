{%- set is_needed = "reject_reasons is null" ~ (
    " and order_id in (select " ~ canonical_id("order_id") ~ " from source)" if is_incremental() else ""
) %}
with source as (

    select * from {{ landed('market', 'promo_detail') }}
    {{ judged_again([
        'order_id', 'promo_id', 'responsibledepartment_id', 'promoobjective',
    ]) }}

),

orders as (

    select distinct order_key from {{ ref('stg_market__market_order') }}
    where {{ is_needed }}

),

keyed as (

    select
        *,
        {{ canonical_id('order_id') }} as canonical_order_id,
        {{ canonical_id('promo_id') }} as canonical_promo_id,
        {{ hash_key(["'market'", canonical_id('order_id')]) }} as order_key
    from source

),

stg_market__promo_detail as (

    select
        keyed.order_key,
        keyed.canonical_promo_id as promo_id,
        {{ canonical_id('keyed.responsibledepartment_id') }} as department_id,
        {{ canonical_id('keyed.promoobjective') }} as promo_objective,
        {{ origin() }},
        {{ reject_reasons(dict(
            [
                ('order_id_missing', 'canonical_order_id is null'),
                ('promo_id_missing', 'canonical_promo_id is null'),
            ]
            + orphan_rules('canonical_order_id', 'orders.order_key')
        )) }} as reject_reasons,
        case when reject_reasons is not null then {{ raw_row([
            'order_id', 'promo_id', 'responsibledepartment_id', 'promoobjective'
        ]) }} end as raw_row
    from keyed
    left join orders
        on keyed.order_key = orders.order_key

)

select * from stg_market__promo_detail
