{%- set smallest = number_var('smallest_group') -%}
with versions as (

    select * from {{ ref('customer_quality_status') }}
    where is_in_force

),

-- Of the model that is served, or would be if it were published.
measured as (

    select
        versions.source,
        versions.model_version,
        versions.quality_status,
        cast(evaluation.slice as integer) as decile,
        max(evaluation.customer_count) as customer_count,
        max(case when evaluation.metric = 'mean_forecast' then evaluation.value end)
            as mean_forecast,
        max(case when evaluation.metric = 'observed_rate' then evaluation.value end)
            as observed_rate,
        max(case when evaluation.metric = 'lift' then evaluation.value end) as decile_lift,
        max(versions.test_rate) as test_rate
    from versions
    inner join {{ ref('customer_quality_evaluation') }} as evaluation
        on
            versions.source = evaluation.source
            and versions.model_version = evaluation.model_version
            and versions.model_name = evaluation.model_name
    where
        evaluation.head = 'good'
        and evaluation.slice_kind = 'decile'
    group by
        versions.source, versions.model_version, versions.quality_status,
        cast(evaluation.slice as integer)

),

told as (

    select
        *,
        round(observed_rate * customer_count) as good_count
    from measured
    where customer_count >= {{ smallest }}

),

bounded as (

    select
        *,
        {{ rate_bound('good_count', 'customer_count', 'lower') }} as lower_rate,
        {{ rate_bound('good_count', 'customer_count', 'upper') }} as upper_rate
    from told

),

new_customer_deciles as (

    select
        bounded.source,
        bounded.model_version,
        bounded.quality_status,
        bounded.decile,
        bounded.customer_count,
        bounded.mean_forecast,
        bounded.observed_rate,
        bounded.lower_rate,
        bounded.upper_rate,
        bounded.decile_lift,
        cast(bounded.lower_rate as double) / nullif(bounded.test_rate, 0) as lower_decile_lift,
        cast(bounded.upper_rate as double) / nullif(bounded.test_rate, 0) as upper_decile_lift,
        cut_points.lower_probability,
        cut_points.upper_probability
    from bounded
    left join {{ ref('customer_quality_deciles') }} as cut_points
        on
            bounded.source = cut_points.source
            and bounded.model_version = cut_points.model_version
            and bounded.decile = cut_points.decile

)

select * from new_customer_deciles
