with items as (

    {{ kept_rows(
        ref('stg_olist__order_items'),
        ref('int_olist__duplicate_rows'),
        'olist_order_items_dataset',
    ) }}

),

orders as (

    {{ kept_rows(
        ref('stg_olist__orders'),
        ref('int_olist__duplicate_rows'),
        'olist_orders_dataset',
    ) }}

),

customers as (

    {{ kept_rows(
        ref('stg_olist__customers'),
        ref('int_olist__duplicate_rows'),
        'olist_customers_dataset',
    ) }}

),

sellers as (

    {{ kept_rows(
        ref('stg_olist__sellers'),
        ref('int_olist__duplicate_rows'),
        'olist_sellers_dataset',
    ) }}

),

zip_locations as (

    select * from {{ ref('int_olist__zip_locations') }}

),

order_sellers as (

    select distinct
        order_key,
        seller_id
    from items

),

ends as (

    select
        order_sellers.order_key,
        radians(seller_places.latitude) as seller_latitude,
        radians(seller_places.longitude) as seller_longitude,
        radians(customer_places.latitude) as customer_latitude,
        radians(customer_places.longitude) as customer_longitude
    from order_sellers
    inner join orders
        on order_sellers.order_key = orders.order_key
    inner join customers
        on orders.order_customer_id = customers.order_customer_id
    left join sellers
        on order_sellers.seller_id = sellers.seller_id
    left join zip_locations as seller_places
        on sellers.zip_prefix = seller_places.zip_prefix
    left join zip_locations as customer_places
        on customers.zip_prefix = customer_places.zip_prefix

),

-- The haversine formula, on a sphere of the earth's mean radius in km. No cap at 1 is needed away
-- from antipodes, and least(1, ...) would make an unknown place half the globe away.
distances as (

    select
        order_key,
        2 * 6371 * asin(sqrt(
            power(sin((seller_latitude - customer_latitude) / 2), 2)
            + cos(seller_latitude) * cos(customer_latitude)
            * power(sin((seller_longitude - customer_longitude) / 2), 2)
        )) as distance_km
    from ends

),

-- The greatest of the known distances might fall short of the true one, so one unknown place
-- leaves the order without. A zip prefix is a few km wide: more than one decimal says nothing.
int_olist__order_distances as (

    select
        order_key,
        cast(round(max(distance_km), 1) as decimal(18, 4)) as distance_km
    from distances
    group by order_key
    having count(*) = count(distance_km)

)

select * from int_olist__order_distances
