-- What is withheld or overdue, a row per model and source, with the reason that its status gives.
with as_of as (

    select * from {{ ref('int_as_of') }}

),

forecasts as (

    select * from {{ ref('customer_quality_status') }}
    where is_in_force

),

data_quality_model_checks as (

    select
        source,
        'rfm_withheld' as check_name,
        'rfm_status' as check_subject,
        reason as evidence,
        case when rfm_status = 'scored' then 0 else 1 end as failing_rows
    from {{ ref('rfm_status') }}
    union all
    select
        source,
        'clusters_withheld' as check_name,
        'segmentation_status' as check_subject,
        reason as evidence,
        case when segmentation_method = 'clusters' then 0 else 1 end as failing_rows
    from {{ ref('segmentation_status') }}
    union all
    select
        source,
        'segments_overdue' as check_name,
        'segment_maintenance' as check_subject,
        evidence,
        case when maintenance_state in ('refit', 'redesign') then 1 else 0 end as failing_rows
    from {{ ref('segment_maintenance') }}
    union all
    select
        as_of.source,
        'new_customer_forecast_withheld' as check_name,
        'customer_quality_status' as check_subject,
        coalesce(forecasts.reason, 'there is no forecast yet') as evidence,
        case when forecasts.quality_status = 'published' then 0 else 1 end as failing_rows
    from as_of
    left join forecasts
        on as_of.source = forecasts.source
    union all
    select
        source,
        'lifetime_value_by_baseline' as check_name,
        'clv_status' as check_subject,
        reason as evidence,
        case when clv_method = 'bg_nbd' then 0 else 1 end as failing_rows
    from {{ ref('clv_status') }}

)

select * from data_quality_model_checks
