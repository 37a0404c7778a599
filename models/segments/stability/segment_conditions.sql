with dated as (

    select
        contracts.*,
        status.segmentation_method,
        status.reason,
        shops.as_of_date,
        case when status.model_version <> 'untrained' then status.fitted_as_of end as fitted_as_of
    from {{ ref('segment_contracts') }} as contracts
    inner join {{ ref('segmentation_status') }} as status
        on contracts.source = status.source
    inner join {{ ref('rfm_status') }} as shops
        on contracts.source = shops.source

),

aged as (

    select
        *,
        {{ days_between('fitted_as_of', 'as_of_date') }} as model_age_days,
        {{ add_days('fitted_as_of', 'applied_interval_days') }} as next_refit_date,
        {{ add_days('as_of_date', 'assign_interval_days') }} as next_assignment_date
    from dated

),

-- What the backtest saw at the age that the version has reached. A new version has not aged.
expected as (

    select
        aged.source,
        min_by(lags.low_rho, lags.lag_days) filter (where lags.low_rho is not null)
            as expected_rho,
        min_by(lags.high_phi, lags.lag_days) filter (where lags.high_phi is not null)
            as expected_phi
    from aged
    inner join {{ ref('segment_stability_lags') }} as lags
        on
            aged.source = lags.source
            and aged.model_age_days > 0
            and aged.model_age_days <= lags.lag_days
    where lags.is_judged
    group by aged.source

),

worst as (

    select
        source,
        max_by(feature, (psi, feature)) filter (where psi is not null) as worst_feature,
        max(psi) as worst_psi,
        min(feature) filter (where psi is null) as lost_feature
    from {{ ref('segment_feature_drift') }}
    group by source

),

-- Of the states the first that applies.
segment_conditions as (

    select
        aged.source,
        aged.model_version,
        aged.contract_status,
        aged.breach,
        aged.longest_lag_days,
        aged.observed_lag_days,
        aged.origin_count,
        aged.ceiling,
        aged.refit_interval_days,
        aged.applied_interval_days,
        aged.assign_interval_days,
        aged.day_movement_share,
        aged.segmentation_method,
        aged.reason,
        aged.as_of_date,
        aged.fitted_as_of,
        aged.model_age_days,
        aged.next_refit_date,
        aged.next_assignment_date,
        expected.expected_rho,
        expected.expected_phi,
        worst.worst_feature,
        worst.worst_psi,
        worst.lost_feature,
        case
            when aged.fitted_as_of is null then null
            when aged.contract_status = 'redesign' then 'redesign'
            when aged.next_refit_date <= aged.as_of_date then 'refit'
            when expected.expected_rho < 0.80 or expected.expected_phi > 0.10 then 'refit'
            when
                aged.contract_status in ('established', 'no_breach_observed')
                and (aged.model_age_days = 0 or expected.expected_rho >= 0.90)
                and worst.worst_psi < 0.10
                and worst.lost_feature is null
                then 'keep'
            else 'watch'
        end as maintenance_state
    from aged
    left join expected
        on aged.source = expected.source
    left join worst
        on aged.source = worst.source

)

select * from segment_conditions
