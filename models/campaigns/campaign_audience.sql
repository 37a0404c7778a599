{%- set places = range(1, audience_rule_places() + 1) %}
with rule_groups as (

    select * from {{ ref('campaign_rule_groups') }}

),

candidates as (

    select * from {{ ref('campaign_candidates') }}

),

measured as (

    select
        candidates.customer_key,
        candidates.customer_id,
        candidates.usual_order_cm2,
        candidates.as_of_date,
        rule_groups.*,
    {%- for place in places %}
    {{ rule_text_value('rule_groups.rule_' ~ place) }} as rule_{{ place }}_text_value,
    {{ rule_number_value('rule_groups.rule_' ~ place) }} as rule_{{ place }}_number_value
    {{- "," if not loop.last }}
    {%- endfor %}
    from candidates
    inner join rule_groups
        on candidates.source = rule_groups.source

),

reached as (

    select
        source,
        campaign_id,
        campaign_version,
        customer_key,
        customer_id,
        rule_group,
        group_count,
        priority,
        cast(
            assumed_uplift * usual_order_cm2 - cost_per_contact as decimal(18, 4)
        ) as expected_value,
        as_of_date,
        concat_ws(
            ' and ',
            {%- for place in places %}
            {{ rule_words('rule_' ~ place) }}{{ "," if not loop.last }}
            {%- endfor %}
        ) as audience_reason
    from measured
    where
    {%- for place in places %}
        {{ "and " if not loop.first }}{{ rule_holds('rule_' ~ place) }}
    {%- endfor %}

),

-- Of several groups that hold the first one is told.
first_groups as (

    select * from reached
    qualify
        group_count = 1
        or row_number() over (
            partition by campaign_id, case when group_count > 1 then customer_key end
            order by rule_group
        ) = 1

),

campaign_audience as (

    select
        source,
        campaign_id,
        campaign_version,
        customer_key,
        customer_id,
        audience_reason,
        rule_group,
        priority,
        expected_value,
        as_of_date
    from first_groups

)

select * from campaign_audience
