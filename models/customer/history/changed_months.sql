{%- set new_opens = ref('int_new_app_opens') -%}
{%- set last_dates = as_of_last_build('int_as_of') -%}
{%- set last_history_dates = as_of_last_build('history_dates') -%}
with first_months as (

    select
        source,
        min(calendar_month) as first_month
    from {{ ref('history_dates') }}
    group by source

),

last_first_months as (

    select
        source,
        min(calendar_month) as first_month
    from {{ last_history_dates }}
    group by source

),

new_opens as (

    select
        source,
        min(opened_at) as first_opened_at
    from {{ new_opens }}
    group by source

),

-- Where months are numbered anew, or the date goes back, all of them are counted again.
changed_months as (

    select
        as_of.source,
        cast(
            case
                when
                    {{ 'true' if is_increment() else 'false' }}
                    and first_months.first_month = last_first_months.first_month
                    and as_of.as_of_date >= last_as_of.as_of_date
                    then date_trunc(
                        'month',
                        least(
                            cast(last_as_of.as_of_date as timestamp),
                            coalesce(
                                new_opens.first_opened_at, cast(last_as_of.as_of_date as timestamp)
                            )
                        )
                    )
                else timestamp '1900-01-01 00:00:00'
            end as date
        ) as from_month
    from {{ ref('int_as_of') }} as as_of
    left join {{ last_dates }} as last_as_of
        on as_of.source = last_as_of.source
    left join first_months
        on as_of.source = first_months.source
    left join last_first_months
        on as_of.source = last_first_months.source
    left join new_opens
        on as_of.source = new_opens.source

)

select * from changed_months
