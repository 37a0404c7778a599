with int_sales_json__row_counts as (

    select
        'sales_json' as source,
        source_table,
        landed_count,
        (select count(*) from {{ ref('int_sales_json__orders') }}) as accepted_count,
        (select count(*) from {{ ref('int_sales_json__rejected_rows') }}) as rejected_count,
        (select count(*) from {{ ref('int_sales_json__duplicate_rows') }}) as duplicate_count
    from {{ ref('stg_sales_json__landed_rows') }}

)

select * from int_sales_json__row_counts
