with row_reconciliation as (

    select
        source,
        source_table,
        landed_count,
        accepted_count,
        rejected_count,
        duplicate_count,
        landed_count - accepted_count - rejected_count - duplicate_count as unexplained_count
    from {{ ref('int_row_counts') }}

)

select * from row_reconciliation
