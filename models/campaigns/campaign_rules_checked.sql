-- A rule that cannot be meant as it stands stops the build: an audience that silently comes out
-- empty, or too large, would be noticed by customers first.
with campaigns as (

    select
        campaign_id,
        cast(campaign_version as string) as campaign_version
    from {{ ref('campaigns_checked') }}

),

rules as (

    select distinct
        trim(campaign_id) as campaign_id,
        trim(campaign_version) as campaign_version,
        trim(rule_group) as rule_group,
        trim(column_name) as column_name,
        trim(operator) as operator,
        nullif(trim(value), '') as value,
        true as is_rule
    from {{ ref('campaign_rules') }}

),

allowed_columns as (
    {% for column, type in audience_columns().items() %}
    select
        '{{ column }}' as column_name,
        '{{ type }}' as column_type,
        '{{ audience_operators()[type] | join(", ") }}' as operators
    {{ "union all" if not loop.last }}
    {%- endfor %}
),

placed as (

    select
        coalesce(rules.campaign_id, campaigns.campaign_id) as campaign_id,
        coalesce(rules.campaign_version, campaigns.campaign_version) as campaign_version,
        rules.rule_group,
        cast(row_number() over (
            partition by rules.campaign_id, rules.campaign_version, rules.rule_group
            order by
                rules.column_name asc nulls last, rules.operator asc nulls last,
                rules.value asc nulls last
        ) as integer) as rule_place,
        rules.column_name,
        allowed_columns.column_type,
        rules.operator,
        allowed_columns.operators,
        rules.value,
        coalesce(rules.is_rule, false) as is_rule,
        campaigns.campaign_id is not null as has_campaign,
        rules.operator in ('is_known', 'is_unknown') as takes_no_value,
        case
            when rules.operator in ('in', 'not_in') then {{ split_text('rules.value', '|') }}
            when rules.value is not null then {{ list_of(['rules.value']) }}
        end as text_values
    from rules
    full outer join campaigns
        on
            rules.campaign_id = campaigns.campaign_id
            and rules.campaign_version = campaigns.campaign_version
    left join allowed_columns
        on rules.column_name = allowed_columns.column_name

),

typed as (

    select
        *,
        case when column_type = 'number' then {{ numbers_of('text_values') }} end as number_values
    from placed

),

judged as (

    select
        *,
        case
            when not is_rule then 'this version has no rule, so it would reach nobody'
            when not has_campaign then 'seeds/campaigns.csv has no such campaign and version'
            when not {{ full_match('rule_group', '0|[1-9][0-9]{0,8}') }}
                then 'rule_group must be a whole number'
            when rule_place > {{ audience_rule_places() }}
                then 'a group has at most {{ audience_rule_places() }} rules'
            when column_type is null
                then 'column_name must be one of those that docs/campaigns.md lists'
            when
                operator is null
                or position(',' in operator) > 0
                or position(', ' || operator || ',' in ', ' || operators || ',') = 0
                then 'the operator of a ' || column_type || ' must be one of ' || operators
            when takes_no_value and value is not null then operator || ' takes no value'
            when not takes_no_value and value is null then operator || ' needs a value'
            when array_contains(text_values, '') then 'a value beside | is missing'
            when column_type = 'number' and {{ any_element('number_values', 'element is null') }}
                then 'the value must be a number like 12.5'
            when column_type = 'flag' and value not in ('true', 'false')
                then 'the value must be true or false'
            when column_type = 'date' and not takes_no_value and not ({{ is_date_text('value') }})
                then 'the value must be a date like 2026-06-30'
        end as problem
    from typed

),

first_problem as (

    select
        min(
            'seeds/campaign_rules.csv: campaign ' || coalesce(campaign_id, '(none)')
            || ', version ' || coalesce(campaign_version, '(none)')
            || ', rule group ' || coalesce(rule_group, '(none)')
            || ', column ' || coalesce(column_name, '(none)')
            || coalesce(' ' || operator, '') || coalesce(' ' || value, '')
            || ': ' || problem
        ) as message
    from judged
    where problem is not null

),

campaign_rules_checked as (

    select
        judged.campaign_id,
        cast(judged.campaign_version as integer) as campaign_version,
        cast(judged.rule_group as integer) as rule_group,
        judged.rule_place,
        judged.column_name,
        judged.column_type,
        judged.operator,
        judged.value,
        judged.text_values,
        judged.number_values
    from judged
    cross join first_problem
    where
        case
            when first_problem.message is null then true
            else cast({{ stop_with('first_problem.message') }} as boolean)
        end

)

select * from campaign_rules_checked
