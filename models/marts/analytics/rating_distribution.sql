{%- set smallest = number_var('smallest_group') -%}
with orders as (

    select
        order_key,
        source,
        as_of_date
    from {{ ref('known_orders') }}
    where is_known_success

),

counted as (

    select
        orders.source,
        ratings.rating,
        count(*) as rating_count,
        min(orders.as_of_date) as as_of_date
    from {{ ref('fct_ratings') }} as ratings
    inner join orders
        on ratings.order_key = orders.order_key
    where
        ratings.rating is not null
        and ratings.rated_date <= orders.as_of_date
    group by orders.source, ratings.rating

),

totals as (

    select
        source,
        sum(rating_count) as rating_count,
        min(as_of_date) as as_of_date
    from counted
    group by source

),

-- A number of stars that nobody gave is told, too.
stars as (
    {% for rating in range(1, 6) %}
    select {{ rating }} as rating
    {{ "union all" if not loop.last }}
    {%- endfor %}
),

rating_distribution as (

    select
        totals.source,
        cast(stars.rating as integer) as rating,
        coalesce(counted.rating_count, 0) as rating_count,
        case
            when totals.rating_count >= {{ smallest }}
                then {{ to_decimal(
                    'coalesce(counted.rating_count, 0) / totals.rating_count', 18, 6
                ) }}
        end as rating_share,
        totals.as_of_date
    from totals
    cross join stars
    left join counted
        on
            totals.source = counted.source
            and stars.rating = counted.rating

)

select * from rating_distribution
