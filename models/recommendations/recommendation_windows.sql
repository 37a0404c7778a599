{#- Windows of judgement lie behind each other: tuned on the first, judged on the second. -#}
{%- set judged_days = 30 -%}
with shops as (

    select
        source,
        as_of_date
    from {{ ref('int_as_of') }}
    where as_of_date is not null

),

named as (
    {% for window_name in ['tuning', 'report', 'current'] %}
    select
        source,
        '{{ window_name }}' as window_name,
        {{ add_days('as_of_date', -judged_days * loop.revindex0) }} as learned_until_date
    from shops
    {{ "union all" if not loop.last }}
    {% endfor %}
),

recommendation_windows as (

    select
        source,
        cast(window_name as string) as window_name,
        -- One number for source and window: what is joined by it needs no text.
        cast(row_number() over (order by source, learned_until_date) as integer) as window_number,
        cast(
            {{ add_days('learned_until_date', '1 - ' ~ number_var('recommendation_days')) }} as date
        ) as learned_from_date,
        learned_until_date,
        case when window_name <> 'current' then {{ add_days('learned_until_date', 1) }} end
            as judged_from_date,
        case
            when window_name <> 'current' then {{ add_days('learned_until_date', judged_days) }}
        end as judged_until_date
    from named

)

select * from recommendation_windows
