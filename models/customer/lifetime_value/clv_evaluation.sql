with clv_evaluation as (

    select
        source,
        cast(model_version as string) as model_version,
        cast(method as string) as clv_method,
        cast(item as string) as metric,
        value as metric_value,
        lower_value,
        upper_value,
        cast(customer_count as bigint) as customer_count,
        cast(holdout_days as integer) as holdout_days,
        cast(calibration_date as date) as calibration_date,
        cast(fitted_date as date) as fitted_date
    from {{ ref('clv_model') }}
    where artifact = 'metric'

)

select * from clv_evaluation
