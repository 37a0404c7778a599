with opens as (

    select
        app_opens.customer_key,
        app_opens.source,
        {{ days_between('cast(app_opens.opened_at as date)', 'as_of.as_of_date') }} as days_ago
    from {{ ref('fct_app_opens') }} as app_opens
    inner join {{ ref('int_as_of') }} as as_of
        on app_opens.source = as_of.source
    where
        app_opens.opened_at_text >= {{ window_start(90) }}
        and cast(app_opens.opened_at as date) <= as_of.as_of_date
        and cast(app_opens.opened_at as date) > {{ add_days('as_of.as_of_date', '-90') }}

),

customer_app_opens as (

    select
        customer_key,
        min(source) as source,
        cast(count(*) filter (where days_ago < 7) as integer) as app_opens_7d,
        cast(count(*) filter (where days_ago < 30) as integer) as app_opens_30d,
        cast(count(*) as integer) as app_opens_90d
    from opens
    group by customer_key

)

select * from customer_app_opens
