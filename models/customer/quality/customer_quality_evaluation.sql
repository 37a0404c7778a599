with customer_quality_evaluation as (

    select
        source,
        model_version,
        head,
        model_name,
        slice_kind,
        slice,
        item as metric,
        value,
        lower_value,
        upper_value,
        customer_count
    from {{ ref('customer_quality_model') }}
    where artifact = 'evaluation'

)

select * from customer_quality_evaluation
