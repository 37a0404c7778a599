with recent_ratings as (

    select
        ratings.customer_key,
        dates.lag_days,
        cast(count(ratings.rating) as integer) as rating_count,
        cast(sum(ratings.rating) as integer) as rating_sum
    from {{ ref('fct_ratings') }} as ratings
    inner join {{ ref('recent_sample') }} as customers
        on ratings.customer_key = customers.customer_key
    inner join {{ ref('recent_dates') }} as dates
        on
            ratings.source = dates.source
            and ratings.rated_date <= dates.as_of_date
    group by ratings.customer_key, dates.lag_days

)

select * from recent_ratings
