{#- What a span of orders adds to a month. Nearly all orders are known in the month in which they
    are placed: such a span adds both at once. Parts are united and grouped, and joined once: each join
    holds a hash table, and six at a time were too many for millions of customers. -#}
{%- set placed = {
    'order_count': 'order_count',
    'cancelled_order_count': 'cancelled_order_count',
} %}
{%- set amounts = [
    'basket_value', 'discount_amount', 'own_discount', 'net_revenue', 'cm1', 'cm2', 'distance_km',
] %}
{%- set known = {
    'successful_order_count': 'order_count',
    'cancelled_order_count': '-uncancelled_order_count',
    'promo_order_count': 'promo_order_count',
    'distance_count': 'distance_count',
    'first_order_date': 'first_order_date',
    'last_order_date': 'last_order_date',
    'last_order_number': 'last_order_number',
} %}
{%- for amount in amounts %}{% do known.update({amount: amount}) %}{% endfor %}
{%- set both = dict(placed, **known) %}
{%- do both.update({'cancelled_order_count': 'cancelled_order_count - uncancelled_order_count'}) %}
{%- set leaving = {
    'orders_leaving_365d': 'order_count',
    'net_revenue_leaving_365d': 'net_revenue',
    'cm2_leaving_365d': 'cm2',
} %}
{%- set is_other = 'order_month is distinct from known_month' %}
{%- set is_placed_before = 'order_month is not null and ' ~ is_other %}
{%- set is_known_later = 'known_month is not null and ' ~ is_other %}
with spans as (

    {%- for month, given, condition in [
        ('order_month', both, 'order_month = known_month'),
        ('order_month', placed, is_placed_before),
        ('known_month', known, is_known_later),
        ('leaving_month', leaving, 'leaving_month is not null'),
    ] %}
    select
        {%- for measure in both.keys() | list + leaving.keys() | list %}
        {{ given.get(measure, 'null') }} as {{ measure }},
        {%- endfor %}
        customer_key,
        {{ month }} as calendar_month
    from {{ of_changed(ref('customer_order_spans'), 'customer_key') }}
    where {{ condition }}
    {{ "union all" if not loop.last }}
    {%- endfor %}

),

of_orders as (

    select
        customer_key,
        calendar_month,
        {%- for count in [
            'order_count', 'successful_order_count', 'promo_order_count', 'orders_leaving_365d',
            'distance_count', 'cancelled_order_count',
        ] %}
        sum({{ count }}) as {{ count }},
        {%- endfor %}
        {%- for amount in amounts + ['net_revenue_leaving_365d', 'cm2_leaving_365d'] %}
        cast(sum({{ amount }}) as decimal(18, 4)) as {{ amount }},
        {%- endfor %}
        max(last_order_number) as last_order_number,
        min(first_order_date) as first_order_date,
        max(last_order_date) as last_order_date
    from spans
    group by customer_key, calendar_month

),

-- Prospects, who have carts and no order, are there from their first cart on.
others as (

    select
        ratings.customer_key,
        cast(date_trunc('month', ratings.rated_date) as date) as calendar_month,
        case when ratings.rating is not null then 1 end as rating_count,
        case when ratings.is_skipped then 1 end as skipped_rating_count,
        ratings.rating as rating_sum,
        null as new_category_count,
        null as top_category_value,
        null as top_category_rank
    from {{ of_changed(ref('fct_ratings'), 'customer_key') }} as ratings
    inner join {{ ref('int_as_of') }} as as_of
        on ratings.source = as_of.source
    where
        ratings.rated_date <= as_of.as_of_date
        and ratings.customer_key is not null
    union all
    select
        customer_key,
        calendar_month,
        null as rating_count,
        null as skipped_rating_count,
        null as rating_sum,
        new_category_count,
        top_category_value,
        top_category_rank
    from {{ of_changed(ref('customer_category_months'), 'customer_key') }}
    union all
    select
        customers.customer_key,
        cast(date_trunc('month', customers.first_seen_at) as date) as calendar_month,
        null as rating_count,
        null as skipped_rating_count,
        null as rating_sum,
        null as new_category_count,
        null as top_category_value,
        null as top_category_rank
    from {{ of_changed(ref('dim_customers'), 'customer_key') }} as customers
    inner join {{ ref('int_as_of') }} as as_of
        on customers.source = as_of.source
    where cast(customers.first_seen_at as date) <= as_of.as_of_date

),

of_others as (

    select
        customer_key,
        calendar_month,
        sum(rating_count) as rating_count,
        sum(skipped_rating_count) as skipped_rating_count,
        sum(rating_sum) as rating_sum,
        max(new_category_count) as new_category_count,
        max(top_category_value) as top_category_value,
        max(top_category_rank) as top_category_rank
    from others
    group by customer_key, calendar_month

),

customer_order_months as (

    select
        customer_key,
        calendar_month,
        {%- for count in [
            'order_count', 'successful_order_count', 'promo_order_count', 'orders_leaving_365d',
            'distance_count', 'rating_count', 'skipped_rating_count', 'rating_sum',
            'new_category_count', 'cancelled_order_count',
        ] %}
        cast(coalesce({{ count }}, 0) as integer) as {{ count }},
        {%- endfor %}
        {%- for amount in amounts + ['net_revenue_leaving_365d', 'cm2_leaving_365d'] %}
        cast(coalesce({{ amount }}, 0) as decimal(18, 4)) as {{ amount }},
        {%- endfor %}
        of_orders.last_order_number,
        of_others.top_category_value,
        of_others.top_category_rank,
        of_orders.first_order_date,
        of_orders.last_order_date
    from of_orders -- noqa: disable=ST07
    full join of_others using (customer_key, calendar_month)

)

select * from customer_order_months
