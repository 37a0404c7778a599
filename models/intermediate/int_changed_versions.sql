-- Versions of before are among them: an order may have been another customer's, or of another day.
with int_changed_versions as (

    {%- if 'market' in enabled_sources() %}
    select
        staged.order_key,
        {{ hash_key(["'market'", "staged.customer_id"]) }} as customer_key,
        'market' as source,
        least(
            staged.basket_created_at,
            coalesce(staged.ordered_at, staged.basket_created_at),
            coalesce(staged.delivered_at, staged.basket_created_at),
            coalesce(staged.rated_at, staged.basket_created_at)
        ) as first_event_at
    from {{ ref('stg_market__market_order') }} as staged
    inner join {{ ref('int_changed_orders') }} as changed
        on staged.order_key = changed.order_key
    where staged.reject_reasons is null
    {%- else %}
    select
        cast(null as bigint) as order_key,
        cast(null as bigint) as customer_key,
        cast(null as string) as source,
        cast(null as timestamp) as first_event_at
    where false
    {%- endif %}

)

select * from int_changed_versions
