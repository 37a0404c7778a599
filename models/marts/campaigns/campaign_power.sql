with counted as (

    select
        *,
        detectable_uplift / nullif(expected_conversion, 0) as detectable_relative_uplift,
        -- Of the size that runs have had so far: a first day takes all who fulfil the rules, later
        -- ones only who has come to fulfil them.
        cast(
            ceil(people_needed * run_count / nullif(sent_count + holdout_count, 0)) as bigint
        ) as runs_to_pool
    from {{ ref('campaign_sizes') }}

),

-- The first that applies.
judged as (

    select
        *,
        case
            when expected_conversion is null then 'unknown'
            when pooled_detectable_uplift <= assumed_uplift then 'enough'
            when people_needed is null then 'too_small'
            when runs_to_pool is null then 'unknown'
            when runs_to_pool > {{ number_var('most_pooled_runs') }} then 'too_small'
            else 'pool'
        end as power_state
    from counted

),

campaign_power as (

    select
        source,
        campaign_id,
        campaign_version,
        campaign_name,
        channel,
        power_state,
        case
            when audience_count = 0 then 'nobody is in the audience'
            when expected_conversion is null
                then
                    'it is not known how many buy anyway: of customers of this kind no '
                    || measurement_days || ' days are over that the history tells of'
            when power_state = 'enough'
                then
                    'a rise of ' || {{ points('pooled_detectable_uplift') }}
                    || ' points shows with ' || sent_count || ' sent and ' || holdout_count
                    || ' held back; ' || {{ points('assumed_uplift') }} || ' are assumed'
            when holdout_share = 0 then 'nobody is held back, so no rise can be shown'
            when assumed_uplift = 0 then 'no rise is assumed, and none is too small to show'
            when people_needed is null then 'nobody or everybody buys anyway'
            when runs_to_pool is null
                then
                    'nobody has been assigned so far; a rise of ' || {{ points('assumed_uplift') }}
                    || ' points takes ' || people_needed || ' people'
            else
                'a rise of ' || {{ points('assumed_uplift') }} || ' points takes '
                || people_needed || ' people, ' || runs_to_pool || ' runs like those so far'
                || coalesce(
                    '; today shows ' || {{ points('detectable_uplift') }} || ' points or more',
                    '; no rise would show with today''s'
                )
        end as power_reason,
        audience_count,
        known_count,
        sent_today_count,
        holdout_today_count,
        sent_count,
        holdout_count,
        measurement_days,
        holdout_share,
        expected_conversion,
        detectable_uplift,
        detectable_relative_uplift,
        pooled_detectable_uplift,
        cast(assumed_uplift as double) as assumed_uplift,
        people_needed,
        runs_to_pool,
        baseline_date,
        as_of_date
    from judged

)

select * from campaign_power
