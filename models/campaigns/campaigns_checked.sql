{#- What each column of the seed must be, as text, and in words. -#}
{%- set forms = {
    'campaign_id': ('[a-z0-9_]{1,60}', 'letters a to z, digits and _ alone'),
    'campaign_version': ('[1-9][0-9]{0,8}', 'a whole number from 1'),
    'campaign_name': ('.+', 'given'),
    'channel': ('.+', 'given'),
    'offer': ('.+', 'given'),
    'priority': ('-?[0-9]{1,9}', 'a whole number'),
    'daily_cap': ('[1-9][0-9]{0,8}', 'a whole number from 1, or empty'),
    'holdout_share': ('0([.][0-9]{1,6})?|1([.]0{1,6})?', 'a share from 0 to 1 like 0.1'),
    'measurement_days': ('[1-9][0-9]{0,2}', 'a whole number of days from 1 to 365'),
    'cost_per_contact': ('[0-9]{1,12}([.][0-9]{1,4})?', 'an amount like 0.05'),
    'assumed_uplift': ('0([.][0-9]{1,6})?|1([.]0{1,6})?', 'a share from 0 to 1 like 0.03'),
} %}
{%- set dates = ['starts_on', 'ends_on'] %}
{%- set may_be_empty = ['daily_cap'] + dates %}

-- A campaign that cannot be meant as it stands stops the build with the line that names it, before
-- anybody is assigned.
with campaigns as (

    select
        {%- for column in forms %}
        nullif(trim({{ column }}), '') as {{ column }},
        {%- endfor %}
        nullif(trim(starts_on), '') as starts_on,
        nullif(trim(ends_on), '') as ends_on
    from {{ ref('campaigns') }}

),

counted as (

    select
        *,
        count(*) over (partition by campaign_id, campaign_version) as row_count
    from campaigns

),

judged as (

    select
        *,
        case
            {%- for column, form in forms.items() %}
            when
                not {{ full_match(column, form[0]) }}
                {%- if column in may_be_empty %}
                and {{ column }} is not null
                {%- endif %}
                then
                    '{{ column }} must be {{ form[1] }}' || coalesce(', not ' || {{ column }}, '')
            {%- endfor %}
            {%- for column in dates %}
            when {{ column }} is not null and not {{ is_date_text(column) }}
                then '{{ column }} must be a date like 2026-06-30, or empty, not ' || {{ column }}
            {%- endfor %}
            when cast(measurement_days as integer) > 365
                then 'measurement_days must be at most 365, not ' || measurement_days
            -- Days written as 2026-06-30 stand in the order of their text.
            when ends_on < starts_on then 'it ends before it starts'
            when row_count > 1 then 'this version stands there more than once'
        end as problem
    from counted

),

first_problem as (

    select
        min(
            'seeds/campaigns.csv: campaign ' || coalesce(campaign_id, '(none)') || ', version '
            || coalesce(campaign_version, '(none)') || ': ' || problem
        ) as message
    from judged
    where problem is not null

),

campaigns_checked as (

    select
        judged.campaign_id,
        cast(judged.campaign_version as integer) as campaign_version,
        judged.campaign_name,
        judged.channel,
        judged.offer,
        cast(judged.priority as integer) as priority,
        cast(judged.daily_cap as integer) as daily_cap,
        cast(judged.measurement_days as integer) as measurement_days,
        cast(judged.holdout_share as decimal(9, 6)) as holdout_share,
        cast(judged.cost_per_contact as decimal(18, 4)) as cost_per_contact,
        cast(judged.assumed_uplift as decimal(9, 6)) as assumed_uplift,
        cast(judged.starts_on as date) as starts_on,
        cast(judged.ends_on as date) as ends_on
    from judged
    cross join first_problem
    where
        case
            when first_problem.message is null then true
            else cast({{ stop_with('first_problem.message') }} as boolean)
        end

)

select * from campaigns_checked
