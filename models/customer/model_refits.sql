{%- set models = [
    ("customer_quality", "quality_refit_interval_days"),
    ("customer_lifetime_value", "clv_refit_interval_days"),
] -%}
-- A try that found too little to learn from is repeated by every build, so it is never due.
with versions as (

    select
        source,
        'customer_quality' as predictive_model,
        model_version,
        case when model_version <> 'untrained' then fitted_as_of end as fitted_as_of
    from {{ ref('customer_quality_status') }}
    where is_in_force
    union all
    select
        source,
        'customer_lifetime_value' as predictive_model,
        model_version,
        fitted_date as fitted_as_of
    from {{ ref('clv_status') }}
    where model_version is not null

),

intervals as (
    {% for predictive_model, interval_days in models %}
    select
        '{{ predictive_model }}' as predictive_model,
        cast({{ number_var(interval_days) }} as integer) as refit_interval_days
    {{ "union all" if not loop.last }}
    {%- endfor %}

),

due_dates as (

    select
        versions.*,
        intervals.refit_interval_days,
        {{ add_days('versions.fitted_as_of', 'intervals.refit_interval_days') }} as refit_due_date
    from versions
    inner join intervals
        on versions.predictive_model = intervals.predictive_model

),

model_refits as (

    select
        due_dates.source,
        due_dates.predictive_model,
        due_dates.model_version,
        due_dates.refit_interval_days,
        due_dates.refit_due_date <= as_of.as_of_date as is_overdue,
        due_dates.fitted_as_of,
        due_dates.refit_due_date,
        as_of.as_of_date
    from due_dates
    inner join {{ ref('int_as_of') }} as as_of
        on due_dates.source = as_of.source

)

select * from model_refits
