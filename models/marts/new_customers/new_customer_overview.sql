{%- set metrics = ['auc', 'lift_top_10_percent', 'calibration_slope'] -%}
{%- set smallest = number_var('smallest_group') -%}
with versions as (

    select * from {{ ref('customer_quality_status') }}
    where is_in_force

),

-- Of the model that is served, or would be if it were published.
measured as (

    select
        versions.source,
        {%- for metric in metrics %}
        max(case when evaluation.metric = '{{ metric }}' then evaluation.value end)
            as {{ metric }},
        max(case when evaluation.metric = '{{ metric }}' then evaluation.lower_value end)
            as lower_{{ metric }},
        max(case when evaluation.metric = '{{ metric }}' then evaluation.upper_value end)
            as upper_{{ metric }},
        {%- endfor %}
        max(evaluation.customer_count) as test_customer_count
    from versions
    inner join {{ ref('customer_quality_evaluation') }} as evaluation
        on
            versions.source = evaluation.source
            and versions.model_version = evaluation.model_version
            and versions.model_name = evaluation.model_name
    where
        evaluation.head = 'good'
        and evaluation.slice_kind = 'all'
    group by versions.source

),

open_outcomes as (

    select
        source,
        max(value_of_good) as value_of_good,
        count(*) as open_customer_count,
        count(*) filter (where has_ordered_again) as ordered_again_count,
        count(*) filter (where expected_value_of_acting > 0) as worth_contacting_count,
        sum(expected_value_of_acting) filter (where expected_value_of_acting > 0) as expected_value
    from {{ ref('new_customer_playbook') }}
    group by source

),

new_customer_overview as (

    select
        as_of.source,
        versions.model_version,
        versions.quality_status,
        versions.reason as quality_status_reason,
        versions.model_name,
        coalesce(open_outcomes.open_customer_count, 0) as open_customer_count,
        coalesce(open_outcomes.ordered_again_count, 0) as ordered_again_count,
        coalesce(open_outcomes.worth_contacting_count, 0) as worth_contacting_count,
        case
            when open_outcomes.worth_contacting_count >= {{ smallest }}
                then cast(open_outcomes.expected_value as decimal(18, 4))
        end as expected_value,
        open_outcomes.value_of_good,
        measured.test_customer_count,
        versions.test_rate,
        {%- for metric in metrics %}
        measured.{{ metric }},
        measured.lower_{{ metric }},
        measured.upper_{{ metric }},
        {%- endfor %}
        versions.test_from_date,
        versions.test_until_date,
        versions.fitted_as_of,
        as_of.as_of_date
    from {{ ref('int_as_of') }} as as_of
    left join versions
        on as_of.source = versions.source
    left join measured
        on as_of.source = measured.source
    left join open_outcomes
        on as_of.source = open_outcomes.source

)

select * from new_customer_overview
