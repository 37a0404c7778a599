with tables as (

    select * from {{ ref('row_reconciliation') }}

),

rejects as (

    select
        source,
        source_table,
        reject_reasons,
        count(*) as row_count
    from {{ ref('rejected_rows') }}
    group by source, source_table, reject_reasons

),

single_reasons as (

    select
        source,
        source_table,
        row_count,
        {{ unnest_elements("split(reject_reasons, ';')", 'reject_reason', 'reason_number') }}
    from rejects

),

reasons as (

    select
        source,
        source_table,
        reject_reason,
        sum(row_count) as row_count
    from single_reasons
    group by source, source_table, reject_reason

),

data_quality_row_checks as (

    select
        source,
        'unexplained_row' as check_name,
        source_table as check_subject,
        cast(abs(unexplained_count) as bigint) as failing_rows,
        landed_count as checked_rows
    from tables
    union all
    select
        source,
        'rejected_row' as check_name,
        source_table as check_subject,
        rejected_count as failing_rows,
        landed_count as checked_rows
    from tables
    union all
    select
        source,
        'duplicate_row' as check_name,
        source_table as check_subject,
        duplicate_count as failing_rows,
        landed_count as checked_rows
    from tables
    union all
    select
        reasons.source,
        'rejected_reason' as check_name,
        reasons.source_table || ': ' || reasons.reject_reason as check_subject,
        cast(reasons.row_count as bigint) as failing_rows,
        tables.landed_count as checked_rows
    from reasons
    inner join tables
        on
            reasons.source = tables.source
            and reasons.source_table = tables.source_table

)

select * from data_quality_row_checks
