with people as (

    select
        single_view.source,
        single_view.customer_key,
        single_view.net_revenue_365d,
        single_view.is_customer,
        not single_view.is_customer as is_prospect,
        single_view.is_customer and members.customer_key is null as is_without_segment,
        single_view.is_customer and single_view.city is null as is_without_city,
        spellings.customer_key is not null as has_several_spellings
    from {{ ref('customer_single_view') }} as single_view
    left join {{ ref('customer_segments') }} as members
        on single_view.customer_key = members.customer_key
    left join {{ ref('int_customer_spellings') }} as spellings
        on single_view.customer_key = spellings.customer_key

),

checks as (

    select check_name
    from {{ ref('data_quality_checks') }}
    where check_grain = 'customer'

),

failing as (

    select
        people.source,
        checks.check_name,
        people.customer_key,
        people.net_revenue_365d
    from people
    inner join checks
        on case checks.check_name
            when 'never_a_customer' then people.is_prospect
            when 'customer_without_segment' then people.is_without_segment
            when 'unknown_city' then people.is_without_city
            when 'several_spellings' then people.has_several_spellings
        end

),

failing_totals as (

    select
        source,
        check_name,
        count(*) as failing_rows,
        sum(net_revenue_365d) as money_at_risk
    from failing
    group by source, check_name

),

touched as (

    select
        failing.source,
        failing.check_name,
        count(distinct failing.customer_key) as people_touched,
        count(distinct lists.campaign_id) as lists_touched
    from failing
    inner join {{ ref('campaign_lists') }} as lists
        on failing.customer_key = lists.customer_key
    group by failing.source, failing.check_name

),

person_counts as (

    select
        as_of.source,
        count(people.customer_key) as person_count,
        count(case when people.is_customer then 1 end) as customer_count
    from {{ ref('int_as_of') }} as as_of
    left join people
        on as_of.source = people.source
    group by as_of.source

),

data_quality_customer_checks as (

    select
        person_counts.source,
        checks.check_name,
        'customers' as check_subject,
        coalesce(failing_totals.failing_rows, 0) as failing_rows,
        case
            when checks.check_name in ('never_a_customer', 'several_spellings')
                then person_counts.person_count
            else person_counts.customer_count
        end as checked_rows,
        cast(coalesce(failing_totals.money_at_risk, 0) as decimal(18, 4)) as money_at_risk,
        coalesce(touched.people_touched, 0) as people_touched,
        coalesce(touched.lists_touched, 0) as lists_touched
    from person_counts
    cross join checks
    left join failing_totals
        on
            person_counts.source = failing_totals.source
            and checks.check_name = failing_totals.check_name
    left join touched
        on
            person_counts.source = touched.source
            and checks.check_name = touched.check_name

)

select * from data_quality_customer_checks
