with versions as (

    select
        clv_model.source,
        clv_model.model_version,
        cast(clv_model.fitted_date as date) as fitted_date,
        clv_model.item,
        clv_model.value,
        clv_model.note
    from {{ ref('clv_model') }} as clv_model
    inner join {{ ref('int_as_of') }} as as_of
        on
            clv_model.source = as_of.source
            and clv_model.fitted_date <= as_of.as_of_date
    where clv_model.artifact = 'verdict'

),

in_force as (

    select
        source,
        max(fitted_date) as fitted_date
    from versions
    group by source

),

clv_status as (

    select
        periods.source,
        cast(versions.model_version as string) as model_version,
        cast(coalesce(versions.item, 'none') as string) as clv_method,
        cast(coalesce(versions.note, 'there are no orders yet') as string) as reason,
        cast(versions.value as bigint) as fitted_customer_count,
        periods.history_days,
        periods.holdout_days,
        versions.fitted_date,
        periods.as_of_date
    from {{ ref('clv_periods') }} as periods
    left join in_force
        on periods.source = in_force.source
    left join versions
        on
            in_force.source = versions.source
            and in_force.fitted_date = versions.fitted_date

)

select * from clv_status
