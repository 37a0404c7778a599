with bins as (

    select
        source,
        model_version,
        item as feature,
        cast(detail as integer) as bin_number,
        max(case when artifact = 'psi_edge' then value end) as upper_edge,
        max(case when artifact = 'psi_share' then value end) as fitted_share
    from {{ ref('segment_artifacts') }}
    where artifact in ('psi_edge', 'psi_share')
    group by source, model_version, item, detail

),

-- Where unknown values are filled with the shop's mean, they all move with it, which is no drift: a
-- small move of the whole is taken off, as in the backtest.
segment_feature_edges as (

    select
        bins.*,
        bins.upper_edge
        + case
            when
                bins.feature in ('rating', 'cm2_rate', 'distance', 'predicted_quality')
                and abs(shifts.shift_in_deviations) <= 0.25
                then shifts.current_mean - shifts.fitted_mean
            else 0
        end as shifted_edge
    from bins
    left join {{ ref('segment_feature_shifts') }} as shifts
        on
            bins.source = shifts.source
            and bins.feature = shifts.feature

)

select * from segment_feature_edges
