-- The table has no key: a repeated row of one load may as well be the same thing bought twice. A load
-- that brings an invoice brings all of it, so it replaces what earlier loads brought.
with int_online_retail__duplicate_rows as (

    {{ replaced_rows(
        'online_retail',
        ref('stg_online_retail__online_retail'),
        'online_retail',
        key='order_key',
    ) }}

)

select * from int_online_retail__duplicate_rows
