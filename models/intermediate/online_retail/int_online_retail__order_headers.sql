-- Each line repeats its invoice's customer and country. Where lines of one invoice name several,
-- nobody knows whose it was; a line that names none does not contradict the others.
with accepted as (

    {{ kept_rows(
        ref('stg_online_retail__online_retail'),
        ref('int_online_retail__duplicate_rows'),
        'online_retail',
    ) }}

),

int_online_retail__order_headers as (

    select
        order_key,
        min(order_id) as order_id,
        case when min(customer_id) = max(customer_id) then min(customer_id) end as customer_id,
        case when min(country) = max(country) then min(country) end as country,
        cast(sum(quantity * unit_price) as decimal(18, 4)) as basket_value,
        bool_or(is_cancellation) as is_cancellation,
        min(invoiced_at) as invoiced_at
    from accepted
    group by order_key

)

select * from int_online_retail__order_headers
