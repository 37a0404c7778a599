-- The least value of each monetary score and the greatest recency of each recency score, one row
-- a source. A score that ties have left out is null and is passed over.
with cut_points as (

    select
        source,
        {%- for score in range(2, 6) %}
        max(lower_value) filter (where metric = 'monetary' and score = {{ score }})
            as monetary_{{ score }},
        max(upper_value) filter (where metric = 'recency' and score = {{ score }})
            as recency_{{ score }},
        {%- endfor %}
        min(score) filter (where metric = 'monetary') as lowest_monetary_score,
        min(score) filter (where metric = 'recency') as lowest_recency_score
    from {{ ref('rfm_cut_points_in_force') }}
    group by source

),

scored as (

    select
        customers.customer_key,
        customers.source,
        customers.successful_orders_365d > 0 and status.rfm_status = 'scored' as is_scored,
        status.rfm_status,
        customers.lifecycle_stage,
        customers.as_of_number,
        customers.months_back,
        case
            {%- for score in range(5, 1, -1) %}
            when customers.recency_days <= cut_points.recency_{{ score }} then {{ score }}
            {%- endfor %}
            else cut_points.lowest_recency_score
        end as recency_score,
        {{ frequency_score('customers.successful_orders_365d') }} as frequency_score,
        case
            {%- for score in range(5, 1, -1) %}
            when customers.net_revenue_365d >= cut_points.monetary_{{ score }} then {{ score }}
            {%- endfor %}
            else cut_points.lowest_monetary_score
        end as monetary_score,
        customers.tenure_days <= 30 as is_new,
        customers.recency_days,
        customers.successful_orders_365d,
        customers.net_revenue_365d,
        customers.cm2_365d,
        customers.is_current,
        customers.as_of_date
    from {{ ref('customer_standing') }} as customers
    inner join {{ ref('rfm_status') }} as status
        on customers.source = status.source
    left join cut_points
        on customers.source = cut_points.source

),

customer_rfm_history as (

    select
        customer_key,
        source,
        rfm_status,
        lifecycle_stage,
        case
            when is_scored
                then {{ rfm_segment(
                    'recency_score', 'frequency_score', 'monetary_score', 'is_new'
                ) }}
        end as rfm_segment,
        as_of_number,
        months_back,
        cast(case when is_scored then recency_score end as integer) as recency_score,
        cast(case when is_scored then frequency_score end as integer) as frequency_score,
        cast(case when is_scored then monetary_score end as integer) as monetary_score,
        recency_days,
        successful_orders_365d,
        net_revenue_365d,
        cm2_365d,
        is_current,
        as_of_date
    from scored

)

select * from customer_rfm_history
