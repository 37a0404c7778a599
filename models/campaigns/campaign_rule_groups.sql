-- The rules of a group side by side, so that a customer is judged in one row: a group by of
-- customers times rules would cost many times as much.
with campaigns as (

    select * from {{ ref('campaigns_in_force') }}

),

rules as (

    select
        *,
        case when column_type <> 'number' then text_values end as texts,
        case when column_type <> 'number' then value end as text_value,
        {{ first_element('number_values') }} as number_value,
        case
            when operator in ('is', 'is_known', 'is_unknown') then ''
            else ' (' || replace(operator, '_', ' ') || ' ' || replace(value, '|', ' or ') || ')'
        end as asks
    from {{ ref('campaign_rules_checked') }}

),

group_counts as (

    select
        campaign_id,
        campaign_version,
        count(distinct rule_group) as group_count
    from rules
    group by campaign_id, campaign_version

),

campaign_rule_groups as (

    select
        campaigns.source,
        campaigns.campaign_id,
        campaigns.campaign_version,
        rule_1.rule_group,
        group_counts.group_count,
        campaigns.priority,
        campaigns.cost_per_contact,
        campaigns.assumed_uplift,
    {%- for place in range(1, audience_rule_places() + 1) %}
    rule_{{ place }}.column_name as rule_{{ place }}_column,
    rule_{{ place }}.column_type as rule_{{ place }}_type,
    rule_{{ place }}.operator as rule_{{ place }}_operator,
    rule_{{ place }}.texts as rule_{{ place }}_texts,
    rule_{{ place }}.text_value as rule_{{ place }}_text,
    rule_{{ place }}.number_values as rule_{{ place }}_numbers,
    rule_{{ place }}.number_value as rule_{{ place }}_number,
    rule_{{ place }}.asks as rule_{{ place }}_asks
    {{- "," if not loop.last }}
    {%- endfor %}
    from campaigns
    inner join group_counts
        on
            campaigns.campaign_id = group_counts.campaign_id
            and campaigns.campaign_version = group_counts.campaign_version
    inner join rules as rule_1
        on
            campaigns.campaign_id = rule_1.campaign_id
            and campaigns.campaign_version = rule_1.campaign_version
            and rule_1.rule_place = 1
    {%- for place in range(2, audience_rule_places() + 1) %}
    left join rules as rule_{{ place }}
        on
            rule_1.campaign_id = rule_{{ place }}.campaign_id
            and rule_1.campaign_version = rule_{{ place }}.campaign_version
            and rule_1.rule_group = rule_{{ place }}.rule_group
            and rule_{{ place }}.rule_place = {{ place }}
    {%- endfor %}

)

select * from campaign_rule_groups
