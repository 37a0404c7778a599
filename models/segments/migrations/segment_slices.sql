with dates as (

    select * from {{ ref('history_dates') }}
    where is_kept

),

paired as (

    select
        past.source,
        today.as_of_number - past.as_of_number as months_back,
        past.as_of_number,
        past.as_of_date as from_date,
        today.as_of_date as to_date
    from dates as past
    inner join dates as today
        on
            past.source = today.source
            and today.is_current

),

segment_slices as (

    select * from paired
    where months_back in (1, 3, 12)

)

select * from segment_slices
