with spans as (

    select * from {{ of_changed(ref('customer_order_spans'), 'customer_key') }}

),

placed as (

    select
        customer_key,
        order_month as calendar_month,
        sum(order_count) as order_count,
        sum(cancelled_order_count) as cancelled_order_count
    from spans
    where order_month is not null
    group by customer_key, order_month

),

known as (

    select
        customer_key,
        known_month as calendar_month,
        sum(order_count) as successful_order_count,
        sum(uncancelled_order_count) as uncancelled_order_count,
        sum(promo_order_count) as promo_order_count,
        {%- for amount in [
            'basket_value', 'discount_amount', 'own_discount', 'net_revenue', 'cm1', 'cm2',
            'distance_km',
        ] %}
        cast(sum({{ amount }}) as decimal(18, 4)) as {{ amount }},
        {%- endfor %}
        sum(distance_count) as distance_count,
        min(first_order_date) as first_order_date,
        max(last_order_date) as last_order_date,
        max(last_order_number) as last_order_number
    from spans
    where known_month is not null
    group by customer_key, known_month

),

leaving as (

    select
        customer_key,
        leaving_month as calendar_month,
        sum(order_count) as orders_leaving_365d,
        cast(sum(net_revenue) as decimal(18, 4)) as net_revenue_leaving_365d,
        cast(sum(cm2) as decimal(18, 4)) as cm2_leaving_365d
    from spans
    where leaving_month is not null
    group by customer_key, leaving_month

),

ratings as (

    select
        ratings.customer_key,
        cast(date_trunc('month', ratings.rated_date) as date) as calendar_month,
        count(ratings.rating) as rating_count,
        count(*) filter (where ratings.is_skipped) as skipped_rating_count,
        sum(ratings.rating) as rating_sum
    from {{ of_changed(ref('fct_ratings'), 'customer_key') }} as ratings
    inner join {{ ref('int_as_of') }} as as_of
        on ratings.source = as_of.source
    where
        ratings.rated_date <= as_of.as_of_date
        and ratings.customer_key is not null
    group by ratings.customer_key, calendar_month

),

-- Prospects, who have carts and no order, are there from their first cart on.
seen as (

    select
        customers.customer_key,
        cast(date_trunc('month', customers.first_seen_at) as date) as calendar_month
    from {{ of_changed(ref('dim_customers'), 'customer_key') }} as customers
    inner join {{ ref('int_as_of') }} as as_of
        on customers.source = as_of.source
    where cast(customers.first_seen_at as date) <= as_of.as_of_date

),

customer_order_months as (

    select
        customer_key,
        calendar_month,
        {%- for count in [
            'order_count', 'successful_order_count', 'promo_order_count', 'orders_leaving_365d',
            'distance_count', 'rating_count', 'skipped_rating_count', 'rating_sum',
            'new_category_count',
        ] %}
        cast(coalesce({{ count }}, 0) as integer) as {{ count }},
        {%- endfor %}
        cast(
            coalesce(placed.cancelled_order_count, 0) - coalesce(known.uncancelled_order_count, 0)
            as integer
        ) as cancelled_order_count,
        {%- for amount in [
            'basket_value', 'discount_amount', 'own_discount', 'net_revenue', 'cm1', 'cm2',
            'net_revenue_leaving_365d', 'cm2_leaving_365d', 'distance_km',
        ] %}
        cast(coalesce({{ amount }}, 0) as decimal(18, 4)) as {{ amount }},
        {%- endfor %}
        known.last_order_number,
        categories.top_category_value,
        categories.top_category_rank,
        known.first_order_date,
        known.last_order_date
    -- Joined by name: each join goes on with the keys of either side.
    from placed -- noqa: disable=ST07
    full join known using (customer_key, calendar_month)
    full join leaving using (customer_key, calendar_month)
    full join ratings using (customer_key, calendar_month)
    full join {{ of_changed(ref('customer_category_months'), 'customer_key') }} as categories
        using (customer_key, calendar_month)
    full join seen using (customer_key, calendar_month)

)

select * from customer_order_months
