with orders as (

    select
        source,
        min(ordered_at) filter (where has_promo) as first_promo_at,
        min(ordered_at) filter (where device_class is not null) as first_device_at
    from {{ ref('fct_orders') }}
    group by source

),

ratings as (

    select
        source,
        min(rated_at) as first_rating_at
    from {{ ref('fct_ratings') }}
    where not is_skipped
    group by source

),

app_opens as (

    select
        source,
        min(first_opened_at) as first_app_open_at
    from {{ ref('first_order_app_opens') }}
    group by source

),

source_first_signals as (

    select
        orders.source,
        orders.first_promo_at,
        orders.first_device_at,
        ratings.first_rating_at,
        app_opens.first_app_open_at
    from orders
    left join ratings
        on orders.source = ratings.source
    left join app_opens
        on orders.source = app_opens.source

)

select * from source_first_signals
