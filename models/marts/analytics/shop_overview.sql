with orders as (

    select
        source,
        as_of_date,
        count(*) filter (where is_customer) as customer_count,
        count(*) filter (where successful_orders_365d > 0) as active_customer_count,
        sum(successful_order_count) as successful_order_count,
        sum(net_revenue) as net_revenue,
        sum(net_revenue_365d) as net_revenue_365d,
        sum(cm2) as cm2,
        sum(cm2_365d) as cm2_365d
    from {{ ref('customer_single_view') }}
    group by source, as_of_date

),

-- New customers whose 90 days came to an end within the last year: younger ones are not judged.
judged as (

    select
        source,
        count(*) as judged_customer_count,
        count(*) filter (where is_good_customer) as good_customer_count
    from {{ ref('customer_quality_targets') }}
    where
        is_mature
        and horizon_days = 90
        and maturity_date > as_of_date - interval 365 days
    group by source

),

playbook as (

    select
        source,
        count(*) as actionable_customer_count,
        sum(expected_value_of_acting) as actionable_value
    from {{ ref('new_customer_playbook') }}
    where expected_value_of_acting > 0
    group by source

),

sizes as (

    select
        source,
        count(*) as segment_count
    from {{ ref('segments') }}
    group by source

),

lists as (

    select
        source,
        sum(sent_today_count) as listed_customer_count
    from {{ ref('campaign_status') }}
    group by source

),

checks as (

    select
        source,
        count(*) as check_count,
        count(*) filter (where not is_ok) as failing_check_count
    from {{ ref('data_quality') }}
    group by source

),

shop_overview as (

    select
        as_of.source,
        {{ currency_of('as_of.source') }} as currency,
        {{ run_name('as_of.as_of_date') }} as run_id,
        maintenance.segmentation_method,
        maintenance.maintenance_state,
        coalesce(orders.customer_count, 0) as customer_count,
        coalesce(orders.active_customer_count, 0) as active_customer_count,
        cast(coalesce(orders.successful_order_count, 0) as bigint) as successful_order_count,
        cast(coalesce(lists.listed_customer_count, 0) as bigint) as listed_customer_count,
        coalesce(judged.judged_customer_count, 0) as judged_customer_count,
        coalesce(playbook.actionable_customer_count, 0) as actionable_customer_count,
        coalesce(sizes.segment_count, 0) as segment_count,
        coalesce(checks.check_count, 0) as check_count,
        coalesce(checks.failing_check_count, 0) as failing_check_count,
        cast(coalesce(orders.net_revenue, 0) as decimal(38, 4)) as net_revenue,
        cast(coalesce(orders.net_revenue_365d, 0) as decimal(38, 4)) as net_revenue_365d,
        cast(coalesce(orders.cm2, 0) as decimal(38, 4)) as cm2,
        cast(coalesce(orders.cm2_365d, 0) as decimal(38, 4)) as cm2_365d,
        cast(coalesce(playbook.actionable_value, 0) as decimal(38, 4)) as actionable_value,
        case
            when judged.judged_customer_count >= {{ number_var('smallest_group') }}
                then cast(judged.good_customer_count as double) / judged.judged_customer_count
        end as good_customer_share,
        as_of.first_order_date,
        as_of.last_order_date,
        maintenance.next_refit_date,
        as_of.as_of_date
    from {{ ref('int_as_of') }} as as_of
    left join orders
        on as_of.source = orders.source
    left join judged
        on as_of.source = judged.source
    left join playbook
        on as_of.source = playbook.source
    left join sizes
        on as_of.source = sizes.source
    left join {{ ref('segment_maintenance') }} as maintenance
        on as_of.source = maintenance.source
    left join lists
        on as_of.source = lists.source
    left join checks
        on as_of.source = checks.source

)

select * from shop_overview
