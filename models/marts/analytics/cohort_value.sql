-- The months before a ripe one are ripe: a running total never holds a month that is not.
with totals as (

    select
        {%- for column in ['order_count', 'net_revenue', 'cm2'] %}
        sum({{ column }}) over up_to_month as {{ column }}_to_date,
        {%- endfor %}
        *
    from {{ ref('cohort_months') }}
    window up_to_month as (
        partition by source, cohort_month
        order by calendar_month
        rows between unbounded preceding and current row
    )

),

cohort_value as (

    select
        source,
        months_since,
        cohort_size,
        {%- for suffix in ['', '_to_date'] %}
        {{ to_decimal(
            "case when is_ripe then order_count" ~ suffix ~ " / cohort_size end", 18, 4
        ) }} as orders_per_customer{{ suffix }},
        {%- for amount in ['net_revenue', 'cm2'] %}
        {{ to_decimal(
            "case when is_ripe then cast(" ~ amount ~ suffix ~ " as double) / cohort_size end", 18, 4
        ) }} as {{ amount }}_per_customer{{ suffix }},
        {%- endfor %}
        {%- endfor %}
        is_ripe,
        cohort_month,
        calendar_month,
        as_of_date
    from totals

)

select * from cohort_value
