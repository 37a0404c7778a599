with counted as (

    select
        source,
        coalesce(cadence_state, 'unknown') as cadence_state,
        count(*) as customer_count,
        count(*) filter (where successful_orders_365d > 0) as active_customer_count,
        sum(cm2) as cm2,
        sum(cm2_365d) as cm2_365d,
        as_of_date
    from {{ ref('customer_activity') }}
    group by source, coalesce(cadence_state, 'unknown'), as_of_date

),

customers_by_cadence as (

    select
        source,
        cadence_state,
        customer_count,
        active_customer_count,
        {{ to_decimal('customer_count / sum(customer_count) over (partition by source)', 18, 6) }}
            as customer_share,
        {%- for amount in ['cm2', 'cm2_365d'] %}
        cast(
            case
                when {{ may_be_told('customer_count', 'source', 'cadence_state') }}
                    then coalesce({{ amount }}, 0)
            end as decimal(38, 4)
        ) as {{ amount }},
        {%- endfor %}
        as_of_date
    from counted

)

select * from customers_by_cadence
