{%- set needed = [
    ref('int_changed_versions'), ref('int_changed_products'), ref('int_as_of'),
    ref('category_numbers'), ref('dim_customers'), ref('fct_orders'), ref('fct_order_lines'),
    ref('fct_ratings'),
] -%}
{%- if is_increment() -%}
with dates as (

    select
        as_of.source,
        least(as_of.as_of_date, last_as_of.as_of_date) as after_date,
        greatest(as_of.as_of_date, last_as_of.as_of_date) as up_to_date,
        coalesce(as_of.as_of_date >= last_as_of.as_of_date, false) as has_gone_on
    from {{ ref('int_as_of') }} as as_of
    left join {{ as_of_last_build('int_as_of') }} as last_as_of
        on as_of.source = last_as_of.source

),

first_months as (

    select
        source,
        min(calendar_month) as first_month
    from {{ as_of_last_build('history_dates') }}
    group by source

),

-- Numbers of months and of categories stand in what is kept of every customer.
renumbered as (

    select source from dates
    where not has_gone_on
    union
    select versions.source
    from {{ ref('int_changed_versions') }} as versions
    left join first_months
        on versions.source = first_months.source
    where
        first_months.first_month is null
        or versions.first_event_at < first_months.first_month + interval 5 month
    union
    select coalesce(categories.source, last_categories.source) as source
    from {{ ref('category_numbers') }} as categories
    full outer join {{ as_of_last_build('category_numbers') }} as last_categories
        on
            categories.source = last_categories.source
            and categories.category = last_categories.category
    where categories.category_number is distinct from last_categories.category_number

),

-- What lay ahead of the last as-of date and does not any more.
arrived as (

    select orders.customer_key
    from {{ ref('fct_orders') }} as orders
    inner join dates
        on orders.source = dates.source
    where
        (
            cast(orders.basket_created_at as date) > dates.after_date
            and cast(orders.basket_created_at as date) <= dates.up_to_date
        )
        {%- for date in [
            'orders.order_date', 'orders.delivered_date', add_days('orders.order_date', '365')
        ] %}
        or ({{ date }} > dates.after_date and {{ date }} <= dates.up_to_date)
        {%- endfor %}
    union
    select ratings.customer_key
    from {{ ref('fct_ratings') }} as ratings
    inner join dates
        on ratings.source = dates.source
    where
        ratings.rated_date > dates.after_date
        and ratings.rated_date <= dates.up_to_date

),

told as (

    select customer_key from arrived
    union
    select customer_key from {{ ref('int_changed_versions') }}
    union
    select lines.customer_key
    from {{ ref('fct_order_lines') }} as lines
    inner join {{ ref('int_changed_products') }} as products
        on lines.product_key = products.product_key
    where products.has_other_category
    union
    select customers.customer_key
    from {{ ref('dim_customers') }} as customers
    inner join renumbered
        on customers.source = renumbered.source

),

changed_customers as (

    select customer_key from told
    where customer_key is not null

)
{%- else -%}
-- In a full build all customers are made anew, and none is listed.
with changed_customers as (

    select cast(null as bigint) as customer_key
    where false

)
{%- endif %}

select * from changed_customers
