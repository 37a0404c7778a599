-- The median leaves single points far off without weight, and does not depend on row order.
with points as (

    {{ kept_rows(
        ref('stg_olist__geolocation'),
        ref('int_olist__duplicate_rows'),
        'olist_geolocation_dataset',
    ) }}

),

int_olist__zip_locations as (

    select
        zip_prefix,
        count(*) as point_count,
        median(latitude) as latitude,
        median(longitude) as longitude
    from points
    group by zip_prefix

)

select * from int_olist__zip_locations
