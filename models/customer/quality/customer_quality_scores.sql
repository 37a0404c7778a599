{%- set themes = quality_themes() -%}
{%- set heads = ["good", "repeat", "profit"] -%}
-- Size, theme and direction in one number: the greatest is the first reason. No two are equal, and
-- what is below a billionth is no reason.
with ranked as (

    select
        {%- for theme in themes %}
        cast(floor(least(abs({{ theme }}_sum), 1000) * 1000000000) as bigint) * 128
        + {{ 127 - 4 * loop.index0 }}
        - case when {{ theme }}_sum > 0 then 2 else 0 end
        - case when {{ theme }}_is_above then 1 else 0 end
            as {{ theme }}_rank,
        {%- endfor %}
        contributions.*
    from {{ ref('customer_quality_contributions') }} as contributions

),

firsts as (

    select
        *,
        greatest(
            {%- for theme in themes %}
            {{ theme }}_rank{{ "," if not loop.last }}
            {%- endfor %}
        ) as first_rank
    from ranked

),

seconds as (

    select
        *,
        greatest(
            {%- for theme in themes %}
            case when {{ theme }}_rank < first_rank then {{ theme }}_rank else 0 end
            {{- "," if not loop.last }}
            {%- endfor %}
        ) as second_rank
    from firsts

),

thirds as (

    select
        *,
        greatest(
            {%- for theme in themes %}
            case when {{ theme }}_rank < second_rank then {{ theme }}_rank else 0 end
            {{- "," if not loop.last }}
            {%- endfor %}
        ) as third_rank
    from seconds

),

customer_quality_scores as (

    select
        customer_key,
        source,
        model_version,
        {%- for head in heads %}
        1 / (1 + exp(-{{ head }}_logit)) as {{ head }}_probability,
        {%- endfor %}
        {%- for rank in ["first", "second", "third"] %}
        cast(case when {{ rank }}_rank >= 128 then 127 - {{ rank }}_rank % 128 end as integer)
            as {{ rank }}_reason_code,
        {%- endfor %}
        is_in_training,
        first_order_date,
        decision_date,
        as_of_date
    from thirds

)

select * from customer_quality_scores
