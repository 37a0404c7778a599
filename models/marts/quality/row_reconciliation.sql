with row_reconciliation as (

    select
        source,
        source_table,
        landed_count,
        accepted_count,
        rejected_count,
        cast(duplicate_count as bigint) as duplicate_count,
        cast(landed_count - accepted_count - rejected_count - duplicate_count as bigint)
            as unexplained_count
    from {{ ref('int_row_counts') }}

)

select * from row_reconciliation
