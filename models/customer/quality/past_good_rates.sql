{%- set prior = number_var("good_rate_prior_count") -%}
with labels as (

    select
        targets.customer_key,
        targets.source,
        first_orders.city,
        objectives.promo_objective,
        targets.is_good_customer,
        targets.decision_date,
        greatest(targets.maturity_date, first_orders.delivered_date) as known_date,
        targets.decision_date <= targets.as_of_date as is_decided
    from {{ ref('customer_quality_targets') }} as targets
    inner join {{ ref('customer_first_orders') }} as first_orders
        on targets.customer_key = first_orders.customer_key
    inner join {{ ref('first_order_objectives') }} as objectives
        on targets.customer_key = objectives.customer_key
    where targets.horizon_days = 90

),

grouped as (
    {% for grouping in ["source", "city", "promo_objective"] %}
    select
        source,
        '{{ grouping }}' as grouping_name,
        {{ grouping }} as group_name,
        is_good_customer,
        is_decided,
        decision_date,
        known_date
    from labels
    where {{ grouping }} is not null
    {{ "union all" if not loop.last }}
    {% endfor %}
),

-- A label counts from the day after it is known, so decisions of a day stand before its labels.
events as (

    select
        source,
        grouping_name,
        group_name,
        known_date as event_date,
        1 as event_order,
        count(*) as label_count,
        count(*) filter (where is_good_customer) as good_count
    from grouped
    where is_good_customer is not null
    group by source, grouping_name, group_name, known_date
    union all
    select
        source,
        grouping_name,
        group_name,
        decision_date as event_date,
        0 as event_order,
        0 as label_count,
        0 as good_count
    from grouped
    where is_decided
    group by source, grouping_name, group_name, decision_date

),

running as (

    select
        source,
        grouping_name,
        group_name,
        event_date,
        event_order,
        sum(label_count) over (
            partition by source, grouping_name, group_name
            order by event_date asc, event_order asc
            rows between unbounded preceding and current row
        ) as label_count,
        sum(good_count) over (
            partition by source, grouping_name, group_name
            order by event_date asc, event_order asc
            rows between unbounded preceding and current row
        ) as good_count
    from events

),

decisions as (

    select * from running
    where event_order = 0

),

-- A group of few customers is drawn to its source, and a source of few has no rate yet.
past_good_rates as (

    select
        decisions.source,
        decisions.grouping_name,
        decisions.group_name,
        cast(decisions.label_count as integer) as label_count,
        cast(decisions.good_count as integer) as good_count,
        case
            when sources.label_count >= {{ prior }}
                then {{ to_decimal(
                    "(
                        decisions.good_count
                        + " ~ prior ~ " * sources.good_count / cast(sources.label_count as double)
                    )
                    / (decisions.label_count + " ~ prior ~ ")",
                    18, 6
                ) }}
        end as good_rate,
        decisions.event_date as decision_date
    from decisions
    inner join decisions as sources
        on
            decisions.source = sources.source
            and decisions.event_date = sources.event_date
            and sources.grouping_name = 'source'

)

select * from past_good_rates
