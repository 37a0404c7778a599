-- The table numbers no lines. They are numbered by what is in them, so that a line has the same
-- number however the rows lie; lines alike in everything are all kept, and any order of them is
-- the same.
with accepted as (

    {{ kept_rows(
        ref('stg_online_retail__online_retail'),
        ref('int_online_retail__duplicate_rows'),
        'online_retail',
    ) }}

),

int_online_retail__order_lines as (

    select
        order_key,
        {{ hash_key(["'online_retail'", "product_id"]) }} as product_key,
        'online_retail' as source,
        product_id,
        cast(
            row_number() over (
                partition by order_key
                order by
                    invoiced_at asc nulls last, product_id asc nulls last,
                    unit_price asc nulls last, quantity asc nulls last,
                    source_file asc, source_record asc
            ) as integer
        ) as line_number,
        quantity,
        unit_price
    from accepted

)

select * from int_online_retail__order_lines
