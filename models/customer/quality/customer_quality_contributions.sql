{%- set features = quality_feature_names() -%}
{%- set themes = quality_themes() -%}
{%- set heads = ["good", "repeat", "profit"] -%}
{%- set scaling = [
    "fill_value", "lower_bound", "upper_bound", "mean_value", "standard_deviation",
] -%}
with customers as (

    select * from {{ ref('customer_quality_features') }}

),

versions as (

    select * from {{ ref('customer_quality_status') }}
    where scores_from_date is not null

),

-- A feature that a version left out or does not know pulls nobody anywhere.
terms as (

    select
        {%- for feature in features %}
        {%- for column in scaling %}
        max({{ column }}) filter (where feature = '{{ feature }}') as {{ feature }}_{{ column }},
        {%- endfor %}
        {%- for head in heads %}
        coalesce(
            max(coefficient) filter (where feature = '{{ feature }}' and head = '{{ head }}'), 0
        ) as {{ feature }}_{{ head }},
        {%- endfor %}
        {%- endfor %}
        {%- for head in heads %}
        max(coefficient) filter (where feature = 'intercept' and head = '{{ head }}')
            as {{ head }}_intercept,
        {%- endfor %}
        source,
        model_version
    from {{ ref('customer_quality_coefficients') }}
    group by source, model_version

),

standardised as (

    select
        {%- for feature in features %}
        coalesce(
            (
                least(
                    greatest(
                        coalesce(
                            cast(customers.{{ feature }} as double), terms.{{ feature }}_fill_value
                        ),
                        terms.{{ feature }}_lower_bound
                    ),
                    terms.{{ feature }}_upper_bound
                ) - terms.{{ feature }}_mean_value
            ) / terms.{{ feature }}_standard_deviation,
            0
        ) as {{ feature }},
        {%- endfor %}
        {%- for head in heads %}
        {%- for feature in features %}
        terms.{{ feature }}_{{ head }},
        {%- endfor %}
        terms.{{ head }}_intercept,
        {%- endfor %}
        customers.customer_key,
        versions.source,
        versions.model_version,
        coalesce(customers.maturity_date <= versions.known_until_date, false) as is_in_training,
        customers.first_order_date,
        customers.decision_date,
        customers.as_of_date
    from customers
    inner join versions
        on
            customers.source = versions.source
            and customers.decision_date >= versions.scores_from_date
            and customers.decision_date <= versions.scores_until_date
    left join terms
        on
            versions.source = terms.source
            and versions.model_version = terms.model_version

),

-- What each theme adds to the logit of a good customer, and the direction of its first feature.
customer_quality_contributions as (

    select
        {%- for theme, members in themes.items() %}
        {% for feature in members %}{{ "+ " if not loop.first }}{{ feature }} * {{ feature }}_good
        {% endfor %}as {{ theme }}_sum,
        {{ members[0] }} > 0 as {{ theme }}_is_above,
        {%- endfor %}
        {%- for head in heads %}
        {{ head }}_intercept
        {%- for feature in features %}
        + {{ feature }} * {{ feature }}_{{ head }}
        {%- endfor %} as {{ head }}_logit,
        {%- endfor %}
        customer_key,
        source,
        model_version,
        is_in_training,
        first_order_date,
        decision_date,
        as_of_date
    from standardised

)

select * from customer_quality_contributions
