{%- set new_opens = ref('int_new_app_opens') if model.resource_type != 'unit_test' -%}
{%- set changed = ref('changed_customers') if model.resource_type != 'unit_test' -%}
-- One pass over a large table: also openings by people without an order are read here, since
-- the source's first opening of all tells from when on none means none.
with opens as (

    select
        app_opens.customer_key,
        app_opens.source,
        app_opens.opened_at,
        app_opens.opened_at <= first_orders.ordered_at
        and app_opens.opened_at > first_orders.ordered_at - interval '30' day as is_before,
        app_opens.opened_at > first_orders.ordered_at
        and app_opens.opened_at
        <= first_orders.ordered_at + interval '{{ number_var("decision_days") }}' day as is_since
    from {{ ref('fct_app_opens') }} as app_opens
    left join {{ ref('customer_first_orders') }} as first_orders
        on app_opens.customer_key = first_orders.customer_key
    {%- if is_incremental() %}
    where
        app_opens.customer_key in (
            select customer_key from {{ new_opens }}
            union
            select customer_key from {{ changed }}
        )
    {%- endif %}

),

first_order_app_opens as (

    select
        customer_key,
        min(source) as source,
        cast(count(*) filter (where is_before) as integer) as app_opens_before,
        cast(count(*) filter (where is_since) as integer) as app_opens_since,
        min(opened_at) as first_opened_at
    from opens
    group by customer_key

)

select * from first_order_app_opens
