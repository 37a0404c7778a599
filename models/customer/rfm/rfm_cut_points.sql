-- Cut points are learned by the first build that can and then kept: a build adds a version where
-- the one in force on its date is due, and else no row. The kept ones stay as they are.
{%- set keeps_versions = is_incremental() and flag_var('refit') == 'false' %}
with due as (

    select
        status.source,
        status.as_of_date
    from {{ ref('rfm_status') }} as status
    {%- if keeps_versions %}
    left join {{ this }} as kept
        on
            status.source = kept.source
            and status.as_of_date >= kept.valid_from
    {%- endif %}
    where status.rfm_status = 'scored'
    {%- if keeps_versions %}
    group by status.source, status.as_of_date
    having
        max(kept.valid_from) is null
        or {{ days_between('max(kept.valid_from)', 'status.as_of_date') }}
        >= {{ number_var('rfm_refit_interval_days') }}
    {%- endif %}

),

buyers as (

    select single_view.*
    from {{ ref('customer_single_view') }} as single_view
    inner join due
        on single_view.source = due.source
    where single_view.successful_orders_365d > 0

),

-- One row a distinct value: what follows then costs by values, not by customers.
value_counts as (

    select
        source,
        'recency' as metric,
        cast(recency_days as decimal(18, 4)) as metric_value,
        count(*) as customer_count
    from buyers
    group by source, recency_days

    union all

    select
        source,
        'monetary' as metric,
        net_revenue_365d as metric_value,
        count(*) as customer_count
    from buyers
    group by source, net_revenue_365d

),

ranked as (

    select
        *,
        sum(customer_count) over (
            partition by source, metric
            order by metric_value
        ) as up_to_count,
        sum(customer_count) over (partition by source, metric) as buyer_count
    from value_counts

),

-- Twice the mid-rank, in whole numbers: customers below, plus half of those alike.
mid_ranked as (

    select
        *,
        2 * up_to_count - customer_count as twice_mid_rank
    from ranked

),

scored as (

    select
        *,
        least(
            5,
            1 + floor(
                5 * (
                    case
                        when metric = 'monetary' then twice_mid_rank
                        else 2 * buyer_count - twice_mid_rank
                    end
                ) / (2 * buyer_count)
            )
        ) as score
    from mid_ranked

),

rfm_cut_points as (

    select
        scored.source,
        scored.metric,
        cast(scored.score as integer) as score,
        min(scored.metric_value) as lower_value,
        max(scored.metric_value) as upper_value,
        cast(sum(scored.customer_count) as bigint) as customer_count,
        min(due.as_of_date) as valid_from
    from scored
    inner join due
        on scored.source = due.source
    group by scored.source, scored.metric, scored.score

)

select * from rfm_cut_points
