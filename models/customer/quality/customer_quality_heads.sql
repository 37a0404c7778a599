with customer_quality_heads as (

    select
        source,
        model_version,
        head,
        max(model_name) as model_name,
        max(case when item = 'status' then note end) as quality_status,
        max(case when item = 'reason' then note end) as reason,
        max(case when item = 'train_rate' then customer_count end) as train_customer_count,
        max(case when item = 'test_rate' then customer_count end) as test_customer_count,
        max(case when item = 'train_rate' then value end) as train_rate,
        max(case when item = 'test_rate' then value end) as test_rate,
        coalesce(max(case when item = 'is_calibrated' then value end) = 1, false) as is_calibrated
    from {{ ref('customer_quality_model') }}
    where artifact = 'head'
    group by source, model_version, head

)

select * from customer_quality_heads
