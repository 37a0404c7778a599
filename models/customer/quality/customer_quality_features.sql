with facts as (

    select
        *,
        {{ days_between("date '2000-01-03'", 'order_date') }} as days_since_a_monday
    from {{ ref('first_order_facts') }}

),

targets as (

    select * from {{ ref('customer_quality_targets') }}
    where horizon_days = 90

),

-- Rounded to six decimals, so that nothing depends on the order of sums.
features as (

    select
        facts.customer_key,
        facts.source,
        facts.order_key as first_order_key,
        facts.city,
        {{ log_feature('facts.basket_value') }} as basket_value,
        {{ log_feature('facts.line_count') }} as line_count,
        {{ log_feature('facts.item_count') }} as item_count,
        cast(facts.category_count as decimal(18, 6)) as category_count,
        {{ to_decimal(
            'cast(facts.discount_amount as double) / nullif(facts.basket_value, 0)',
            18, 6
        ) }}
            as discount_share,
        {{ to_decimal(
            'cast(facts.own_discount as double) / nullif(facts.basket_value, 0)',
            18, 6
        ) }}
            as own_discount_share,
        cast(cast(facts.has_promo as integer) as decimal(18, 6)) as has_promo,
        objective_rates.good_rate as promo_objective_good_rate,
        {{ log_feature('facts.delivery_fee') }} as delivery_fee,
        {{ log_feature('facts.distance_km') }} as distance_km,
        {{ to_decimal('sin(2 * pi() * extract(hour from facts.ordered_at) / 24)', 18, 6) }}
            as hour_sin,
        {{ to_decimal('cos(2 * pi() * extract(hour from facts.ordered_at) / 24)', 18, 6) }}
            as hour_cos,
        {{ to_decimal('sin(2 * pi() * (facts.days_since_a_monday % 7) / 7)', 18, 6) }}
            as weekday_sin,
        {{ to_decimal('cos(2 * pi() * (facts.days_since_a_monday % 7) / 7)', 18, 6) }}
            as weekday_cos,
        {%- for device in ["ios", "android", "web"] %}
        cast(cast(facts.device_class = '{{ device }}' as integer) as decimal(18, 6))
            as is_{{ device }},
        {%- endfor %}
        {{ log_feature('city_sizes.city_size') }} as city_size,
        city_rates.good_rate as city_good_rate,
        facts.rating,
        cast(cast(facts.has_rating as integer) as decimal(18, 6)) as has_rating,
        {{ log_feature('cast(facts.delivery_seconds as double) / 3600') }} as delivery_hours,
        {{ log_feature('facts.app_opens_before') }} as app_opens_before,
        {{ log_feature('facts.app_opens_since') }} as app_opens_since,
        {{ to_decimal(
            'cast(facts.cm2_before_refunds as double) / nullif(facts.revenue_before_refunds, 0)',
            18, 6
        ) }} as basket_cm2_rate,
        targets.is_good_customer,
        targets.has_repeat,
        targets.horizon_cm2 > 0 as is_profitable,
        targets.first_order_date,
        targets.decision_date,
        targets.maturity_date,
        targets.as_of_date,
        targets.decision_at as feature_cutoff_at
    from facts
    inner join targets
        on facts.customer_key = targets.customer_key
    left join {{ ref('city_sizes') }} as city_sizes
        on
            facts.source = city_sizes.source
            and facts.city = city_sizes.city
            and targets.first_order_date = city_sizes.first_order_date
    left join {{ ref('past_good_rates') }} as city_rates
        on
            facts.source = city_rates.source
            and facts.city = city_rates.group_name
            and targets.decision_date = city_rates.decision_date
            and city_rates.grouping_name = 'city'
    left join {{ ref('past_good_rates') }} as objective_rates
        on
            facts.source = objective_rates.source
            and facts.promo_objective = objective_rates.group_name
            and targets.decision_date = objective_rates.decision_date
            and objective_rates.grouping_name = 'promo_objective'

),

customer_quality_features as (

    select
        *,
        {{ content_key(quality_feature_names()) }} as sample_key
    from features

)

select * from customer_quality_features
