with order_checks as (

    select * from {{ ref('data_quality_order_checks') }}

),

row_checks as (

    select * from {{ ref('data_quality_row_checks') }}

),

customer_checks as (

    select * from {{ ref('data_quality_customer_checks') }}

),

date_checks as (

    select * from {{ ref('data_quality_date_checks') }}

),

model_checks as (

    select * from {{ ref('data_quality_model_checks') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

checks as (

    select * from {{ ref('data_quality_checks') }}

),

-- Of rows that were rejected nobody knows the money or the people, nor of days and models.
results as (

    select
        source,
        check_name,
        check_subject,
        cast(null as string) as evidence,
        failing_rows,
        checked_rows,
        money_at_risk,
        people_touched,
        lists_touched
    from order_checks
    union all
    select
        source,
        check_name,
        check_subject,
        null as evidence,
        failing_rows,
        checked_rows,
        money_at_risk,
        people_touched,
        lists_touched
    from customer_checks
    union all
    select
        source,
        check_name,
        check_subject,
        null as evidence,
        failing_rows,
        checked_rows,
        null as money_at_risk,
        null as people_touched,
        null as lists_touched
    from row_checks
    union all
    select
        source,
        check_name,
        check_subject,
        evidence,
        failing_rows,
        checked_rows,
        null as money_at_risk,
        null as people_touched,
        null as lists_touched
    from date_checks
    union all
    select
        source,
        check_name,
        check_subject,
        evidence,
        failing_rows,
        1 as checked_rows,
        null as money_at_risk,
        null as people_touched,
        null as lists_touched
    from model_checks

),

data_quality as (

    select
        results.source,
        results.check_name,
        results.check_subject,
        checks.check_grain,
        checks.severity,
        checks.meaning,
        coalesce(
            results.evidence,
            case
                when results.checked_rows = 0 then 'nothing to check'
                else
                    cast(results.failing_rows as string) || ' of '
                    || cast(results.checked_rows as string)
            end
        ) as evidence,
        cast(results.failing_rows as bigint) as failing_rows,
        cast(results.checked_rows as bigint) as checked_rows,
        cast(results.people_touched as integer) as people_touched,
        cast(results.lists_touched as integer) as lists_touched,
        cast(results.money_at_risk as decimal(18, 4)) as money_at_risk,
        cast(results.failing_rows as double) / nullif(results.checked_rows, 0) as failing_share,
        cast(checks.tolerated_share as double) as tolerated_share,
        results.failing_rows <= checks.tolerated_share * results.checked_rows as is_ok,
        as_of.as_of_date
    from results
    inner join as_of
        on results.source = as_of.source
    left join checks
        on results.check_name = checks.check_name

)

select * from data_quality
