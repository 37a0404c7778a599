-- What follows from totals alone. Who was bought what last and who opened the app are joined in
-- customer_history: no engine can leave out a join whose columns nobody reads.
with dated as (

    select
        totals.*,
        dates.as_of_number,
        dates.months_back,
        dates.is_current,
        dates.as_of_date,
        {{ days_between('totals.last_order_date', 'dates.as_of_date') }} as recency_days,
        {{ days_between('totals.first_order_date', 'dates.as_of_date') }} as tenure_days
    from {{ ref('customer_totals_to_date') }} as totals
    inner join {{ ref('history_dates') }} as dates
        on
            totals.source = dates.source
            and totals.from_number <= dates.as_of_number
            and (totals.until_number is null or totals.until_number >= dates.as_of_number)
    where dates.is_kept

),

-- A customer with few gaps is taken to be like the others: two usual gaps are added.
measured as (

    select
        dated.*,
        dated.successful_order_count > 0 as is_customer,
        case when dated.successful_order_count > 0 then dated.successful_order_count - 1 end
            as gap_count,
        {{ to_decimal(
            "cast("
            ~ days_between('dated.first_order_date', 'dated.last_order_date')
            ~ " + 2 * gaps.median_gap_days as double) / (dated.successful_order_count + 1)",
            9, 2
        ) }} as expected_gap_days
    from dated
    left join {{ ref('usual_order_gaps') }} as gaps
        on
            dated.source = gaps.source
            and dated.as_of_number = gaps.as_of_number

),

judged as (

    select
        *,
        {{ to_decimal('cast(recency_days as double) / nullif(expected_gap_days, 0)', 9, 2) }}
            as overdue_ratio
    from measured

),

customer_standing as (

    select
        judged.customer_key,
        judged.last_order_key,
        judged.source,
        {{ lifecycle_stage('judged') }} as lifecycle_stage,
        judged.as_of_number,
        judged.months_back,
        judged.top_category_number,
        judged.order_count,
        judged.successful_order_count,
        judged.cancelled_order_count,
        judged.promo_order_count,
        judged.successful_order_count - judged.orders_leaving_365d as successful_orders_365d,
        judged.gap_count,
        judged.category_count,
        judged.rating_count,
        judged.skipped_rating_count,
        case when judged.rating_count > 0 then judged.rating_sum end as rating_sum,
        cast(judged.recency_days as integer) as recency_days,
        cast(judged.tenure_days as integer) as tenure_days,
        judged.expected_gap_days,
        judged.overdue_ratio,
        {%- for amount in [
            'basket_value', 'discount_amount', 'own_discount', 'net_revenue', 'cm1', 'cm2'
        ] %}
        case when judged.is_customer then judged.{{ amount }} end as {{ amount }},
        {%- endfor %}
        {%- for amount in ['net_revenue', 'cm2'] %}
        case
            when judged.successful_order_count > judged.orders_leaving_365d
                then cast(
                    judged.{{ amount }} - judged.{{ amount }}_leaving_365d as decimal(18, 4)
                )
        end as {{ amount }}_365d,
        {%- endfor %}
        {{ to_decimal(
            'cast(judged.net_revenue as double) / nullif(judged.successful_order_count, 0)',
            18, 4
        ) }} as average_order_value,
        {{ to_decimal(
            'judged.promo_order_count / nullif(judged.successful_order_count, 0)',
            18, 6
        ) }}
            as promo_share,
        {{ to_decimal(
            'cast(judged.own_discount as double) / nullif(judged.basket_value, 0)',
            18, 6
        ) }}
            as own_discount_share,
        {{ to_decimal('cast(judged.cm2 as double) / nullif(judged.net_revenue, 0)', 18, 6) }}
            as cm2_rate,
        {{ to_decimal('judged.rating_sum / nullif(judged.rating_count, 0)', 18, 6) }}
            as mean_rating,
        {{ to_decimal(
            'cast(judged.distance_km as double) / nullif(judged.distance_count, 0)',
            9, 3
        ) }}
            as average_distance_km,
        judged.is_customer,
        coalesce(judged.overdue_ratio >= {{ number_var('overdue_at') }}, false) as is_overdue,
        judged.is_current,
        judged.first_order_date,
        judged.last_order_date,
        judged.as_of_date
    from judged

)

select * from customer_standing
