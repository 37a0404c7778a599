with counts as (

    select * from {{ ref('order_check_counts') }}

),

rated as (

    select
        source,
        count(distinct order_key) as rated_count
    from {{ ref('fct_ratings') }}
    group by source

),

checks as (

    select check_name
    from {{ ref('data_quality_checks') }}
    where check_grain = 'order'

),

findings as (

    select
        source,
        finding,
        count(*) as failing_rows,
        sum(amount_at_risk) as money_at_risk
    from {{ ref('order_findings') }}
    group by source, finding

),

listed as (

    select distinct
        findings.source,
        findings.finding,
        findings.customer_key,
        lists.campaign_id
    from {{ ref('order_findings') }} as findings
    inner join {{ ref('campaign_lists') }} as lists
        on findings.customer_key = lists.customer_key

),

touched as (

    select
        source,
        finding,
        count(distinct customer_key) as people_touched,
        count(distinct campaign_id) as lists_touched
    from listed
    group by source, finding

),

data_quality_order_checks as (

    select
        counts.source,
        checks.check_name,
        'orders' as check_subject,
        case checks.check_name
            when 'cost_unknown' then counts.without_cost_count
            when 'after_as_of_date' then counts.after_as_of_count
            else coalesce(findings.failing_rows, 0)
        end as failing_rows,
        case
            when checks.check_name = 'charge_gap' then counts.charged_count
            when checks.check_name in ('delivered_before_ordered', 'late_delivery')
                then counts.delivered_count
            when checks.check_name = 'cancelled_but_delivered' then counts.cancelled_count
            when checks.check_name in ('lines_differ_from_basket', 'lines_without_basket_value')
                then counts.with_lines_count
            when checks.check_name in ('negative_cm2', 'cost_unknown') then counts.successful_count
            when checks.check_name = 'rated_before_ordered' then coalesce(rated.rated_count, 0)
            else counts.order_count
        end as checked_rows,
        cast(
            case checks.check_name
                when 'cost_unknown' then counts.without_cost_amount
                when 'after_as_of_date' then counts.after_as_of_amount
                else coalesce(findings.money_at_risk, 0)
            end as decimal(18, 4)
        ) as money_at_risk,
        -- These two are about whole sources and not traced to people.
        case
            when checks.check_name not in ('cost_unknown', 'after_as_of_date')
                then coalesce(touched.people_touched, 0)
        end as people_touched,
        case
            when checks.check_name not in ('cost_unknown', 'after_as_of_date')
                then coalesce(touched.lists_touched, 0)
        end as lists_touched
    from counts
    cross join checks
    left join rated
        on counts.source = rated.source
    left join findings
        on
            counts.source = findings.source
            and checks.check_name = findings.finding
    left join touched
        on
            counts.source = touched.source
            and checks.check_name = touched.finding

)

select * from data_quality_order_checks
