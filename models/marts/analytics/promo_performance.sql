{%- set smallest = number_var('smallest_group') -%}
{%- set amounts = [
    'basket_value', 'discount_amount', 'own_discount', 'supplier_support', 'third_party_support',
    'net_revenue', 'cm2',
] -%}
with orders as (

    select * from {{ ref('known_orders') }}
    where is_known_success

),

uses as (

    select
        order_key,
        coalesce(promo_objective, 'unknown') as promo_objective,
        coalesce(department_id, 'unknown') as department_id,
        count(*) as use_count
    from {{ ref('fct_order_promotions') }}
    group by order_key, coalesce(promo_objective, 'unknown'), coalesce(department_id, 'unknown')

),

-- Whom the order won, if it was somebody's first, and how they turned out.
won as (

    select
        outcomes.first_order_key as order_key,
        outcomes.is_mature,
        outcomes.has_repeat,
        outcomes.is_good_customer,
        -- Sums of decimals do not depend on the order of rows, sums of doubles do.
        cast(quality.probability as decimal(18, 6)) as probability
    from {{ ref('customer_quality_targets') }} as outcomes
    left join {{ ref('customer_quality') }} as quality
        on outcomes.customer_key = quality.customer_key
    where outcomes.horizon_days = 90

),

-- By how many promotions an order has, too: its money is then split in one division a group.
grouped as (

    select
        orders.source,
        uses.order_key is not null as has_promo,
        coalesce(uses.promo_objective, 'none') as promo_objective,
        coalesce(uses.department_id, 'none') as department_id,
        coalesce(uses.use_count, 1) as use_count,
        case when uses.order_key is not null then orders.promo_count else 1 end as promo_count,
        orders.as_of_date,
        count(*) as order_count,
        {%- for amount in amounts %}
        sum(orders.{{ amount }}) as {{ amount }},
        {%- endfor %}
        count(won.order_key) as new_customer_count,
        count(won.probability) as judged_count,
        sum(won.probability) as probability,
        count(*) filter (where won.is_mature) as mature_count,
        count(*) filter (where won.has_repeat) as repeat_count,
        count(*) filter (where won.is_good_customer) as good_count
    from orders
    left join uses
        on orders.order_key = uses.order_key
    left join won
        on orders.order_key = won.order_key
    group by all

),

totals as (

    select
        source,
        has_promo,
        promo_objective,
        department_id,
        as_of_date,
        {%- for amount in amounts %}
        sum({{ to_decimal('cast(' ~ amount ~ ' * use_count as double) / promo_count', 38, 4) }})
            as {{ amount }},
        {%- endfor %}
        {%- for count in [
            'order_count', 'new_customer_count', 'judged_count', 'mature_count', 'repeat_count',
            'good_count',
        ] %}
        cast(sum({{ count }}) as bigint) as {{ count }},
        {%- endfor %}
        sum(probability) as probability
    from grouped
    group by source, has_promo, promo_objective, department_id, as_of_date

),

promo_performance as (

    select
        source,
        promo_objective,
        department_id,
        order_count,
        {%- for amount in amounts %}
        cast({{ amount }} as decimal(38, 4)) as {{ amount }},
        {%- endfor %}
        {%- for column, value in [
            ('own_discount_share', 'cast(own_discount as double) / nullif(basket_value, 0)'),
            ('own_discount_per_order', 'cast(own_discount as double) / order_count'),
            ('cm2_per_order', 'cast(cm2 as double) / order_count'),
        ] %}
        case
            when order_count >= {{ smallest }}
                then {{ to_decimal(value, 18, 6 if 'share' in column else 4) }}
        end as {{ column }},
        {%- endfor %}
        new_customer_count,
        mature_count as mature_customer_count,
        case
            when judged_count >= {{ smallest }}
                then {{ to_decimal('cast(probability as double) / judged_count', 18, 6) }}
        end as predicted_quality,
        {%- for name in ['repeat', 'good'] %}
        case
            when mature_count >= {{ smallest }}
                then {{ to_decimal(name ~ '_count / mature_count', 18, 6) }}
        end as {{ name }}_share,
        {%- endfor %}
        has_promo,
        as_of_date
    from totals

)

select * from promo_performance
