with weeks as (

    select * from {{ ref('int_order_weeks') }}

),

-- A few orders with a wrong date far ahead must not move the whole shop into the future: a day
-- counts only if the week up to it holds at least a tenth of a usual week's orders.
usual_weeks as (

    select
        source,
        median(week_order_count) as usual_week_order_count
    from weeks
    group by source

),

last_days as (

    select
        weeks.source,
        min(weeks.order_date) as first_order_date,
        max(weeks.order_date) as last_order_date
    from weeks
    inner join usual_weeks
        on weeks.source = usual_weeks.source
    where weeks.week_order_count >= 0.1 * usual_weeks.usual_week_order_count
    group by weeks.source

),

events as (

    select
        source,
        cast(
            greatest(
                basket_created_at,
                coalesce(ordered_at, basket_created_at),
                coalesce(delivered_at, basket_created_at)
            ) as date
        ) as event_date
    from {{ ref('int_orders') }}

),

last_events as (

    select
        events.source,
        max(events.event_date) as last_event_date
    from events
    inner join last_days
        on events.source = last_days.source
    -- Nor may one wrong time far ahead pass for something that happened after the last day.
    where events.event_date <= {{ add_days('last_days.last_order_date', '30') }}
    group by events.source

),

-- A source that sent no order has a row too, without a date: what is built on it says so.
enabled as (
    {% for source_name in enabled_sources() %}
    select '{{ source_name }}' as source
    {{ "union all" if not loop.last }}
    {% endfor %}
),

dated as (

    select
        enabled.source,
        {% if var('as_of') -%}
        date '{{ date_var("as_of") }}' as as_of_date,
        {%- else -%}
        -- The last day may have been cut off in the middle, unless something happened after it.
        case
            when last_events.last_event_date > last_days.last_order_date
                then last_days.last_order_date
            when last_days.last_order_date is not null
                then greatest(
                    {{ add_days('last_days.last_order_date', '-1') }},
                    last_days.first_order_date
                )
        end as as_of_date,
        {%- endif %}
        last_days.last_order_date
    from enabled
    left join last_days
        on enabled.source = last_days.source
    left join last_events
        on enabled.source = last_events.source

),

-- The first day, by the same rule, from the weeks up to the date alone: growth that comes later
-- must not make an early week look thin.
known_weeks as (

    select
        weeks.*,
        median(weeks.week_order_count) over (partition by weeks.source) as usual_week_order_count
    from weeks
    inner join dated
        on
            weeks.source = dated.source
            and weeks.order_date <= dated.as_of_date

),

first_days as (

    select
        source,
        min(order_date) as first_order_date
    from known_weeks
    where week_order_count >= 0.1 * usual_week_order_count
    group by source

),

int_as_of as (

    select
        dated.source,
        dated.as_of_date,
        first_days.first_order_date,
        dated.last_order_date
    from dated
    left join first_days
        on dated.source = first_days.source

)

select * from int_as_of
