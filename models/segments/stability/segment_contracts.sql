{%- set numbers = [
    ("longest_lag_days", "integer"),
    ("observed_lag_days", "integer"),
    ("refit_interval_days", "integer"),
    ("assign_interval_days", "integer"),
    ("origin_count", "integer"),
    ("ceiling", "double"),
] -%}

with promised as (

    select
        {%- for number, type in numbers %}
        cast(max(case when item = '{{ number }}' then value end) as {{ type }}) as {{ number }},
        {%- endfor %}
        max(case when item = 'contract_status' then note end) as contract_status,
        max(case when item = 'breach' then note end) as breach,
        source
    from {{ ref('segment_artifacts') }}
    where artifact = 'contract'
    group by source

),

day_movements as (

    select
        source,
        customer_share
    from {{ ref('segment_movement') }}
    where lag_days = 1

),

-- Where even a day moves more than 5 %, customers are assigned daily all the same: there is
-- nothing shorter.
segment_contracts as (

    select
        status.source,
        status.model_version,
        cast(promised.contract_status as string) as contract_status,
        cast(promised.breach as string) as breach,
        promised.longest_lag_days,
        promised.observed_lag_days,
        promised.origin_count,
        promised.ceiling,
        promised.refit_interval_days,
        coalesce(
            promised.refit_interval_days,
            cast({{ number_var('segment_refit_interval_days') }} as integer)
        ) as applied_interval_days,
        coalesce(
            promised.assign_interval_days,
            case when day_movements.customer_share is not null then 1 end
        ) as assign_interval_days,
        day_movements.customer_share as day_movement_share
    from {{ ref('segmentation_status') }} as status
    left join promised
        on status.source = promised.source
    left join day_movements
        on status.source = day_movements.source

)

select * from segment_contracts
