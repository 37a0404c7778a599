with cohort_retention as (

    select
        source,
        months_since,
        cohort_size,
        case when is_ripe then active_count end as active_count,
        {{ to_decimal('case when is_ripe then active_count / cohort_size end', 18, 6) }}
            as retention_rate,
        is_ripe,
        cohort_month,
        calendar_month,
        as_of_date
    from {{ ref('cohort_months') }}

)

select * from cohort_retention
