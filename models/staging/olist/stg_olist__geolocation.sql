with source as (

    select * from {{ source('olist', 'olist_geolocation_dataset') }}

),

typed as (

    select
        *,
        trim(geolocation_zip_code_prefix) as zip_prefix,
        {{ canonical_id('geolocation_city') }} as city,
        upper(trim(geolocation_state)) as state,
        {{ parse_coordinate('geolocation_lat') }} as latitude,
        {{ parse_coordinate('geolocation_lng') }} as longitude
    from source

),

stg_olist__geolocation as (

    select
        zip_prefix,
        city,
        state,
        {{ origin() }},
        -- The box is drawn around Brazil with its islands, so it catches swapped coordinates too.
        {{ reject_reasons({
            'geolocation_zip_code_prefix_not_5_digits':
                'not ' ~ full_match('zip_prefix', '[0-9]{5}'),
            'geolocation_state_not_2_letters': 'not ' ~ full_match('state', '[A-Z]{2}'),
            'geolocation_lat_not_a_coordinate': 'latitude is null',
            'geolocation_lng_not_a_coordinate': 'longitude is null',
            'outside_brazil': 'coalesce(latitude not between -34 and 6'
                ~ ' or longitude not between -75 and -28, false)',
        }) }} as reject_reasons,
        case when reject_reasons is not null then {{ raw_row([
            'geolocation_zip_code_prefix', 'geolocation_lat', 'geolocation_lng',
            'geolocation_city', 'geolocation_state'
        ]) }} end as raw_row,
        latitude,
        longitude
    from typed

)

select * from stg_olist__geolocation
