{%- set bands = frequency_bands() -%}
with clv_inputs as (

    select
        history.customer_key,
        {{ content_key([
            'history.repeat_purchase_count', 'history.last_repeat_days', 'history.observed_days',
            'history.repeat_purchase_cm2', 'history.last_365_value',
            'history.holdout_purchase_count', 'history.holdout_cm2',
        ]) }} as sample_key,
        history.source,
        history.cut,
        history.repeat_purchase_count,
        history.last_repeat_days,
        history.observed_days,
        history.observed_days - history.last_repeat_days as recency_days,
        history.repeat_purchase_cm2,
        history.last_365_value,
        history.holdout_purchase_count,
        history.holdout_cm2,
        case
            {%- for score in range(5, 1, -1) %}
            when history.repeat_purchase_count + 1 >= {{ bands[score - 1] }} then {{ score }}
            {%- endfor %}
            else 1
        end as frequency_score,
        scores.recency_score,
        history.cut_date
    from {{ ref('customer_purchase_history') }} as history
    inner join {{ ref('clv_recency_scores') }} as scores
        on
            history.source = scores.source
            and history.cut = scores.cut
            and history.observed_days - history.last_repeat_days = scores.recency_days

)

select * from clv_inputs
