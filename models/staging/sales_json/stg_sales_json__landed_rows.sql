with stg_sales_json__landed_rows as (

    select
        'sales_transactions' as source_table,
        count(*) as landed_count
    from {{ source('sales_json', 'sales_transactions') }}

)

select * from stg_sales_json__landed_rows
