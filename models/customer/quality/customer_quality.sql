with scores as (

    select * from {{ ref('customer_quality_scores') }}

),

versions as (

    select
        {%- for side in ["repeat", "profit"] %}
        max(case when heads.head = '{{ side }}' then heads.quality_status end) = 'published'
            as is_{{ side }}_published,
        max(case when heads.head = '{{ side }}' then heads.train_rate end) as {{ side }}_rate,
        {%- endfor %}
        {%- for decile in range(1, 10) %}
        max(case when deciles.decile = {{ decile }} then deciles.lower_probability end)
            as cut_{{ decile }},
        {%- endfor %}
        max(case when heads.head = 'good' then heads.quality_status end) as quality_status,
        heads.source,
        heads.model_version
    from {{ ref('customer_quality_heads') }} as heads
    left join {{ ref('customer_quality_deciles') }} as deciles
        on
            heads.source = deciles.source
            and heads.model_version = deciles.model_version
    group by heads.source, heads.model_version

),

-- Where trees serve they say how good; the two sides of the quadrant are always linear.
forecasts as (

    select
        scores.customer_key,
        scores.source,
        scores.model_version,
        versions.quality_status,
        {%- for rank in ["first", "second", "third"] %}
        case
            when tree_scores.customer_key is null then scores.{{ rank }}_reason_code
            else tree_scores.{{ rank }}_reason_code
        end as {{ rank }}_reason_code,
        {%- endfor %}
        coalesce(tree_scores.good_probability, scores.good_probability) as good_probability,
        {%- for side in ["repeat", "profit"] %}
        case when versions.is_{{ side }}_published then scores.{{ side }}_probability end
            as {{ side }}_probability,
        versions.{{ side }}_rate,
        {%- endfor %}
        {%- for decile in range(1, 10) %}
        versions.cut_{{ decile }},
        {%- endfor %}
        scores.is_in_training,
        scores.first_order_date,
        scores.decision_date,
        scores.as_of_date
    from scores
    inner join versions
        on
            scores.source = versions.source
            and scores.model_version = versions.model_version
    left join {{ ref('customer_quality_tree_scores') }} as tree_scores
        on scores.customer_key = tree_scores.customer_key

),

-- A side that cannot be forecast is the one on which most customers of the training were.
sides as (

    select
        *,
        quality_status = 'published' as is_published,
        {%- for side in ["repeat", "profit"] %}
        coalesce({{ side }}_probability >= {{ side }}_rate, {{ side }}_rate >= 0.5)
            as is_{{ side }}_likely,
        {%- endfor %}
        1
        {%- for decile in range(1, 10) %}
        + case when good_probability < cut_{{ decile }} then 1 else 0 end
        {%- endfor %} as decile
    from forecasts

),

customer_quality as (

    select
        sides.customer_key,
        sides.source,
        sides.model_version,
        sides.quality_status,
        case
            when not sides.is_published then null
            when sides.is_repeat_likely and sides.is_profit_likely then 'profitable_repeat'
            when sides.is_repeat_likely then 'promo_dependent'
            when sides.is_profit_likely then 'profitable_once'
            else 'costly_once'
        end as quadrant_forecast,
        case when sides.is_published then first_reasons.reason end as reason_1,
        case when sides.is_published then second_reasons.reason end as reason_2,
        case when sides.is_published then third_reasons.reason end as reason_3,
        case when sides.is_published then sides.good_probability end as probability,
        case when sides.is_published then sides.repeat_probability end as repeat_probability,
        case when sides.is_published then sides.profit_probability end as profit_probability,
        cast(case when sides.is_published then sides.decile end as integer) as decile,
        sides.is_in_training,
        sides.first_order_date,
        sides.decision_date,
        sides.as_of_date
    from sides
    left join {{ ref('customer_quality_reasons') }} as first_reasons
        on sides.first_reason_code = first_reasons.reason_code
    left join {{ ref('customer_quality_reasons') }} as second_reasons
        on sides.second_reason_code = second_reasons.reason_code
    left join {{ ref('customer_quality_reasons') }} as third_reasons
        on sides.third_reason_code = third_reasons.reason_code

)

select * from customer_quality
