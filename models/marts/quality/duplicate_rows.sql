with duplicate_rows as (

    select
        source,
        source_table,
        source_file,
        source_record
    from {{ ref('int_duplicate_rows') }}

)

select * from duplicate_rows
