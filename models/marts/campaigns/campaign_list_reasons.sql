{%- set places = range(1, audience_rule_places() + 1) -%}
with campaigns as (

    select * from {{ ref('campaigns_in_force') }}

),

rules as (

    select
        rules.*,
        playbook.who_they_are,
        rules.column_name || ' ' || case
            when rules.operator in ('is', 'in') then 'is'
            when rules.operator = 'not_in' then 'is not'
            when left(rules.operator, 3) = 'is_' then replace(rules.operator, '_', ' ')
            else 'is ' || replace(rules.operator, '_', ' ')
        end || coalesce(' ' || replace(rules.value, '|', ' or '), '') as rule_words
    from {{ ref('campaign_rules_checked') }} as rules
    left join {{ ref('rule_segment_playbook') }} as playbook
        on
            rules.column_name = 'rfm_segment'
            and rules.operator = 'is'
            and rules.value = playbook.rule_segment

),

rule_groups as (

    select
        campaign_id,
        campaign_version,
        rule_group,
        concat_ws(
            ' and ',
            {%- for place in places %}
            max(case when rule_place = {{ place }} then rule_words end){{ "," if not loop.last }}
            {%- endfor %}
        ) as list_reason,
        max(who_they_are) as who_they_are
    from rules
    group by campaign_id, campaign_version, rule_group

),

counted as (

    select
        audience.source,
        audience.campaign_id,
        audience.rule_group,
        count(*) as audience_count,
        count(lists.customer_key) as listed_count
    from {{ ref('campaign_audience') }} as audience
    left join {{ ref('campaign_lists') }} as lists
        on
            audience.customer_key = lists.customer_key
            and audience.campaign_id = lists.campaign_id
    group by audience.source, audience.campaign_id, audience.rule_group

),

described as (

    select
        campaigns.source,
        campaigns.campaign_id,
        campaigns.campaign_version,
        rule_groups.rule_group,
        rule_groups.list_reason,
        rule_groups.who_they_are,
        coalesce(counted.audience_count, 0) as audience_count,
        coalesce(counted.listed_count, 0) as listed_count,
        campaigns.as_of_date
    from campaigns
    inner join rule_groups
        on
            campaigns.campaign_id = rule_groups.campaign_id
            and campaigns.campaign_version = rule_groups.campaign_version
    left join counted
        on
            campaigns.source = counted.source
            and campaigns.campaign_id = counted.campaign_id
            and rule_groups.rule_group = counted.rule_group

),

-- How many are in the audience and on the list is known from campaign_status.
campaign_list_reasons as (

    select
        source,
        campaign_id,
        campaign_version,
        rule_group,
        list_reason,
        who_they_are,
        {%- for count in ['audience_count', 'listed_count'] %}
        case
            when
                {{ count }} = 0
                or {{ may_be_told(
                    count, 'source, campaign_id, campaign_version', 'rule_group'
                ) }}
                then {{ count }}
        end as {{ count }},
        {%- endfor %}
        as_of_date
    from described

)

select * from campaign_list_reasons
