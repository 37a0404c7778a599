{%- set smallest = number_var('smallest_group') -%}
with judged as (

    select
        outcomes.source,
        cast(date_trunc('month', outcomes.first_order_date) as date) as cohort_month,
        outcomes.as_of_date,
        count(*) as new_customer_count,
        count(*) filter (where outcomes.is_mature) as mature_customer_count,
        count(*) filter (where outcomes.is_good_customer) as good_customer_count,
        count(quality.probability) as forecast_customer_count,
        -- Sums of decimals do not depend on the order of rows, sums of doubles do.
        sum(cast(quality.probability as decimal(18, 6))) as probability,
        sum(outcomes.horizon_cm2) as cm2
    from {{ ref('customer_quality_targets') }} as outcomes
    left join {{ ref('customer_quality') }} as quality
        on outcomes.customer_key = quality.customer_key
    where outcomes.horizon_days = 90
    group by
        outcomes.source, cast(date_trunc('month', outcomes.first_order_date) as date),
        outcomes.as_of_date

),

-- A share of the customers who came early in their month would stand for the whole of it.
whole_months as (

    select
        *,
        mature_customer_count = new_customer_count as is_mature,
        new_customer_count >= {{ smallest }} as is_told
    from judged

),

new_customer_quality as (

    select
        source,
        cohort_month,
        new_customer_count,
        mature_customer_count,
        forecast_customer_count,
        case
            when is_mature and is_told
                then
                    {{ to_decimal(
                        'cast(good_customer_count as double) / new_customer_count',
                        18, 6
                    ) }}
        end as good_customer_share,
        case
            when is_mature and is_told
                then {{ rate_bound('good_customer_count', 'new_customer_count', 'lower') }}
        end as lower_good_share,
        case
            when is_mature and is_told
                then {{ rate_bound('good_customer_count', 'new_customer_count', 'upper') }}
        end as upper_good_share,
        case
            when not is_mature and forecast_customer_count >= {{ smallest }}
                then {{ to_decimal(
                    'cast(probability as double) / forecast_customer_count',
                    18, 6
                ) }}
        end as forecast_good_share,
        case
            when is_mature and is_told
                then {{ to_decimal('cast(cm2 as double) / new_customer_count', 18, 4) }}
        end as cm2_per_new_customer,
        is_mature,
        as_of_date
    from whole_months

)

select * from new_customer_quality
