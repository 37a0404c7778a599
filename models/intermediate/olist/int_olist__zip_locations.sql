-- The median leaves single points far off without weight, and does not depend on row order.
with int_olist__zip_locations as (

    select
        zip_prefix,
        count(*) as point_count,
        median(latitude) as latitude,
        median(longitude) as longitude
    from {{ ref('stg_olist__geolocation') }}
    where reject_reasons is null
    group by zip_prefix

)

select * from int_olist__zip_locations
