with rejected_rows as (

    select
        source,
        source_table,
        source_file,
        source_record,
        reject_reasons,
        raw_row
    from {{ ref('int_rejected_rows') }}

)

select * from rejected_rows
