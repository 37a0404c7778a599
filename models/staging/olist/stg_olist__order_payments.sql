with source as (

    select * from {{ source('olist', 'olist_order_payments_dataset') }}

),

orders as (

    select distinct order_key from {{ ref('stg_olist__orders') }}
    where reject_reasons is null

),

typed as (

    select
        *,
        {{ canonical_id('order_id') }} as canonical_order_id,
        {{ canonical_id('payment_type') }} as canonical_payment_type,
        {{ parse_integer('payment_sequential') }} as payment_number,
        {{ parse_integer('payment_installments') }} as installment_count,
        {{ parse_decimal('payment_value') }} as payment_amount
    from source

),

keyed as (

    select
        *,
        {{ hash_key(["'olist'", "canonical_order_id"]) }} as order_key
    from typed

),

stg_olist__order_payments as (

    select
        keyed.order_key,
        keyed.canonical_order_id as order_id,
        keyed.canonical_payment_type as payment_type,
        {{ origin() }},
        {{ reject_reasons(dict(
            md5_rules('order_id', 'keyed.canonical_order_id')
            + [
                ('payment_sequential_missing', missing('payment_sequential', 'keyed.payment_number')),
                ('payment_sequential_not_an_integer',
                    unreadable('payment_sequential', 'keyed.payment_number')),
                ('payment_type_missing', 'keyed.canonical_payment_type is null'),
                ('payment_type_unknown', "coalesce(keyed.canonical_payment_type not in ('boleto',"
                    ~ " 'credit_card', 'debit_card', 'not_defined', 'voucher'), false)"),
                ('payment_installments_not_an_integer',
                    unreadable('payment_installments', 'keyed.installment_count')),
                ('payment_value_missing', missing('payment_value', 'keyed.payment_amount')),
            ]
            + amount_rules('payment_value', 'keyed.payment_amount')
            + orphan_rules('keyed.canonical_order_id', 'orders.order_key')
        )) }} as reject_reasons,
        case when reject_reasons is not null then {{ raw_row([
            'order_id', 'payment_sequential', 'payment_type', 'payment_installments',
            'payment_value'
        ]) }} end as raw_row,
        keyed.payment_number,
        keyed.installment_count,
        keyed.payment_amount
    from keyed
    left join orders
        on keyed.order_key = orders.order_key

)

select * from stg_olist__order_payments
