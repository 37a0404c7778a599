-- A share of nothing has no logarithm: below 0.0001 it counts as that, as in the backtest.
with floored as (

    select
        *,
        greatest(fitted_share, 0.0001) as share_then,
        greatest(current_share, 0.0001) as share_now
    from {{ ref('segment_feature_bins') }}

),

-- Sums of decimals do not depend on the order of rows.
summed as (

    select
        source,
        model_version,
        feature,
        cast(count(*) as integer) as bin_count,
        case
            when count(current_share) = count(*)
                then
                    sum(
                        {{ to_decimal(
                            '(share_now - share_then) * ln(share_now / share_then)',
                            18, 9
                        ) }}
                    )
        end as psi,
        max(as_of_date) as as_of_date
    from floored
    group by source, model_version, feature

),

segment_feature_drift as (

    select
        source,
        model_version,
        feature,
        bin_count,
        cast(psi as double) as psi,
        psi >= 0.10 as is_drifting,
        as_of_date
    from summed

)

select * from segment_feature_drift
