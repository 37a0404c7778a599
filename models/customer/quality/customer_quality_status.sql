with versions as (

    select
        source,
        model_version,
        cast(fitted_as_of as date) as fitted_as_of,
        model_version <> 'untrained' as is_trained,
        max(case when item = 'fitted_because' then note end) as fitted_because,
        cast(max(case when item = 'known_until' then note end) as date) as known_until_date,
        cast(max(case when item = 'train_from' then note end) as date) as train_from_date,
        cast(max(case when item = 'train_until' then note end) as date) as train_until_date,
        cast(max(case when item = 'test_from' then note end) as date) as test_from_date,
        cast(max(case when item = 'test_until' then note end) as date) as test_until_date
    from {{ ref('customer_quality_model') }}
    where artifact = 'version'
    group by source, model_version, fitted_as_of

),

-- Versions of later dates than the as-of date are not known yet. The try that found too little to
-- learn from counts only until there is a version.
known as (

    select
        versions.*,
        lead(versions.fitted_as_of) over (
            partition by versions.source order by versions.is_trained, versions.fitted_as_of
        ) as next_fitted_as_of,
        lag(versions.fitted_as_of) over (
            partition by versions.source, versions.is_trained order by versions.fitted_as_of
        ) as previous_fitted_as_of
    from versions
    inner join {{ ref('int_as_of') }} as as_of
        on versions.source = as_of.source
    where versions.fitted_as_of <= as_of.as_of_date

),

customer_quality_status as (

    select
        known.source,
        known.model_version,
        heads.quality_status,
        heads.reason,
        heads.model_name,
        known.fitted_because,
        heads.train_customer_count,
        heads.test_customer_count,
        heads.train_rate,
        heads.test_rate,
        known.next_fitted_as_of is null as is_in_force,
        heads.is_calibrated,
        known.fitted_as_of,
        known.known_until_date,
        known.train_from_date,
        known.train_until_date,
        known.test_from_date,
        known.test_until_date,
        case
            when known.next_fitted_as_of is not null and not known.is_trained then null
            when known.previous_fitted_as_of is null
                then cast('{{ date_var("earliest_date") }}' as date)
            else known.fitted_as_of
        end as scores_from_date,
        case
            when known.next_fitted_as_of is null
                then cast('{{ date_var("latest_date") }}' as date)
            when known.is_trained then {{ add_days('known.next_fitted_as_of', -1) }}
        end as scores_until_date
    from known
    inner join {{ ref('customer_quality_heads') }} as heads
        on
            known.source = heads.source
            and known.model_version = heads.model_version
            and heads.head = 'good'

)

select * from customer_quality_status
