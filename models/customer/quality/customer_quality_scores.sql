{%- set themes = quality_themes() -%}
{%- set heads = ["good", "repeat", "profit"] -%}
{%- set rank_columns = [] -%}
{%- for theme in themes %}{% do rank_columns.append(theme ~ "_rank") %}{% endfor -%}
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

strongest as (

    {{ three_greatest('ranked', rank_columns) }}

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
    from strongest

)

select * from customer_quality_scores
