with payments as (

    {{ kept_rows(
        ref('stg_olist__order_payments'),
        ref('int_olist__duplicate_rows'),
        'olist_order_payments_dataset',
    ) }}

),

payment_types as (

    select
        order_key,
        payment_type,
        count(*) as payment_count,
        sum(payment_amount) as paid_amount
    from payments
    group by order_key, payment_type

),

ranked as (

    select
        *,
        row_number() over (
            partition by order_key
            order by paid_amount desc, payment_type asc nulls last
        ) as type_rank
    from payment_types

),

int_olist__order_payments as (

    select
        order_key,
        min(case when type_rank = 1 then payment_type end) as payment_type,
        cast(sum(payment_count) as bigint) as payment_count,
        cast(sum(paid_amount) as decimal(18, 4)) as charged_amount,
        max(case when payment_type = 'voucher' then 1 else 0 end) = 1 as has_voucher
    from ranked
    group by order_key

)

select * from int_olist__order_payments
