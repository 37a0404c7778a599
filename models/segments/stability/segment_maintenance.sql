with worded as (

    select
        *,
        case contract_status
            when 'no_breach_observed'
                then
                    'No limit was broken in ' || observed_lag_days || ' days of backtest ('
                    || origin_count || ' origins, ceiling ' || cast(ceiling as decimal(9, 3))
                    || '): three quarters of that are promised, at most 180 days.'
            when 'established'
                then
                    'The segments held for ' || longest_lag_days || ' days in the backtest ('
                    || origin_count || ' origins, ceiling ' || cast(ceiling as decimal(9, 3))
                    || '); ' || breach || '.'
            when 'redesign'
                then
                    'The segments did not hold for 40 days: ' || breach
                    || '. A refit would soon age again: choose other features or fewer segments.'
            when 'not_established'
                then
                    'The past allows no promise: ' || origin_count
                    || ' origins (3 are needed, each with 500 customers and more), ceiling '
                    || coalesce(cast(cast(ceiling as decimal(9, 3)) as string), 'not known')
                    || ' (0.800 is needed); ' || applied_interval_days || ' days are assumed.'
            else reason
        end as contract_words,
        case
            when next_refit_date <= as_of_date
                then ' A refit has been due since ' || next_refit_date || '.'
            when model_age_days = 0 then ' The version is new.'
            when expected_rho is null
                then
                    ' The version is ' || model_age_days
                    || ' days old, an age that the backtest could not judge.'
            else
                ' The version is ' || model_age_days || ' days old; at that age rho was '
                || cast(expected_rho as decimal(9, 3)) || ' and phi '
                || cast(expected_phi as decimal(9, 3)) || ' at worst in nine of ten origins.'
        end as age_words,
        case
            when lost_feature is not null then ' ' || lost_feature || ' is no longer known.'
            when model_age_days > 0 and worst_feature is not null
                then
                    ' Since the fit ' || worst_feature || ' has moved most (PSI '
                    || cast(worst_psi as decimal(9, 3)) || ').'
            else ''
        end as drift_words
    from {{ ref('segment_conditions') }}

),

segment_maintenance as (

    select
        source,
        model_version,
        segmentation_method,
        contract_status,
        maintenance_state,
        worst_feature,
        cast(
            case
                when fitted_as_of is null then reason
                else contract_words || age_words || drift_words
            end as string
        ) as evidence,
        longest_lag_days,
        observed_lag_days,
        origin_count,
        refit_interval_days,
        case when fitted_as_of is not null then applied_interval_days end as applied_interval_days,
        assign_interval_days,
        cast(model_age_days as integer) as model_age_days,
        ceiling,
        expected_rho,
        expected_phi,
        worst_psi,
        fitted_as_of,
        next_refit_date,
        next_assignment_date,
        as_of_date
    from worded

)

select * from segment_maintenance
