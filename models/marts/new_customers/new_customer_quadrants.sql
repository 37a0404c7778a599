{%- set smallest = number_var('smallest_group') -%}
-- Whose outcome became known within the last year: older ones say little of those who come today.
with outcomes as (

    select
        source,
        horizon_days,
        quadrant,
        as_of_date,
        count(*) as customer_count,
        sum(horizon_cm2) as cm2
    from {{ ref('customer_quality_targets') }}
    where
        is_mature
        and maturity_date > {{ add_days('as_of_date', -365) }}
    group by source, horizon_days, quadrant, as_of_date

),

horizons as (

    select
        source,
        horizon_days,
        as_of_date,
        cast(sum(customer_count) as bigint) as mature_customer_count
    from outcomes
    group by source, horizon_days, as_of_date

),

-- A quadrant that nobody is in has a row too.
quadrants as (

    select situation as quadrant
    from {{ ref('new_customer_steps') }}
    where situation not in ('ordered_again', 'no_forecast')

),

new_customer_quadrants as (

    select
        horizons.source,
        quadrants.quadrant,
        horizons.horizon_days,
        horizons.mature_customer_count,
        coalesce(outcomes.customer_count, 0) as customer_count,
        case
            when horizons.mature_customer_count >= {{ smallest }}
                then
                    {{ to_decimal(
                        "cast(coalesce(outcomes.customer_count, 0) as double)
                        / horizons.mature_customer_count",
                        18, 6
                    ) }}
        end as customer_share,
        case
            when outcomes.customer_count >= {{ smallest }} then cast(outcomes.cm2 as decimal(18, 4))
        end as cm2,
        case
            when outcomes.customer_count >= {{ smallest }}
                then {{ to_decimal(
                    'cast(outcomes.cm2 as double) / outcomes.customer_count',
                    18, 4
                ) }}
        end as cm2_per_new_customer,
        horizons.as_of_date
    from horizons
    cross join quadrants
    left join outcomes
        on
            horizons.source = outcomes.source
            and horizons.horizon_days = outcomes.horizon_days
            and quadrants.quadrant = outcomes.quadrant

)

select * from new_customer_quadrants
