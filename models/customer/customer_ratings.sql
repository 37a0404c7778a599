with customer_ratings as (

    select
        ratings.customer_key,
        cast(count(ratings.rating) as integer) as rating_count,
        cast(count(*) filter (where ratings.is_skipped) as integer) as skipped_rating_count,
        cast(sum(ratings.rating) as integer) as rating_sum
    from {{ ref('fct_ratings') }} as ratings
    inner join {{ ref('int_as_of') }} as as_of
        on ratings.source = as_of.source
    where ratings.rated_date <= as_of.as_of_date
    group by ratings.customer_key

)

select * from customer_ratings
