{%- set in_the_year = "filter (where order_date > " ~ add_days('as_of_date', -365) ~ ")" -%}
with customers as (

    select
        source,
        count(*) filter (where is_customer) as customer_count,
        count(*) filter (where successful_orders_365d > 0) as active_customer_count
    from {{ ref('customer_single_view') }}
    group by source

),

-- Orders that name nobody are the shop's, too: months and years count them.
orders as (

    select
        source,
        count(*) as successful_order_count,
        sum(net_revenue) as net_revenue,
        sum(net_revenue) {{ in_the_year }} as net_revenue_365d,
        sum(cm2) as cm2,
        sum(cm2) {{ in_the_year }} as cm2_365d,
        min(order_date) as first_order_date,
        max(order_date) as last_order_date
    from {{ ref('known_orders') }}
    where is_known_success
    group by source

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
        and maturity_date > {{ add_days('as_of_date', -365) }}
    group by source

),

sizes as (

    select
        source,
        count(*) as segment_count
    from {{ ref('segment_profiles') }}
    where customer_count > 0
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
        coalesce(customers.customer_count, 0) as customer_count,
        coalesce(customers.active_customer_count, 0) as active_customer_count,
        coalesce(orders.successful_order_count, 0) as successful_order_count,
        cast(coalesce(lists.listed_customer_count, 0) as bigint) as listed_customer_count,
        coalesce(judged.judged_customer_count, 0) as judged_customer_count,
        coalesce(sizes.segment_count, 0) as segment_count,
        coalesce(checks.check_count, 0) as check_count,
        coalesce(checks.failing_check_count, 0) as failing_check_count,
        cast(coalesce(orders.net_revenue, 0) as decimal(38, 4)) as net_revenue,
        cast(coalesce(orders.net_revenue_365d, 0) as decimal(38, 4)) as net_revenue_365d,
        cast(coalesce(orders.cm2, 0) as decimal(38, 4)) as cm2,
        cast(coalesce(orders.cm2_365d, 0) as decimal(38, 4)) as cm2_365d,
        case
            when judged.judged_customer_count >= {{ number_var('smallest_group') }}
                then cast(judged.good_customer_count as double) / judged.judged_customer_count
        end as good_customer_share,
        orders.first_order_date,
        orders.last_order_date,
        maintenance.next_refit_date,
        as_of.as_of_date
    from {{ ref('int_as_of') }} as as_of
    left join customers
        on as_of.source = customers.source
    left join orders
        on as_of.source = orders.source
    left join judged
        on as_of.source = judged.source
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
