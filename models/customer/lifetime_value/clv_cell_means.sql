with clv_cell_means as (

    select
        source,
        cast(model_version as string) as model_version,
        cast(frequency_score as integer) as frequency_score,
        cast(recency_score as integer) as recency_score,
        {{ to_decimal('value', 18, 4) }} as segment_mean_value,
        cast(customer_count as bigint) as customer_count
    from {{ ref('clv_model') }}
    where artifact = 'cell_mean'

)

select * from clv_cell_means
