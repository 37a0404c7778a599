-- The table has no key: a repeated row may as well be the same thing bought twice.
with int_online_retail__duplicate_rows as (

    select
        cast(null as string) as source,
        cast(null as string) as source_table,
        cast(null as string) as source_file,
        cast(null as bigint) as source_record,
        cast(null as bigint) as order_key
    where false

)

select * from int_online_retail__duplicate_rows
