{#-
    The customers of a source that tells of them only through their orders, with the time of the
    first. Orders that name nobody make no customer.
    source_name: the source
    orders: the source's int_<source>__orders
-#}
{% macro orders_customers(source_name, orders) -%}
    select
        customer_key,
        '{{ source_name }}' as source,
        min(customer_id) as customer_id,
        min(basket_created_at) as first_seen_at
    from {{ orders }}
    where customer_key is not null
    group by customer_key
{%- endmacro %}
