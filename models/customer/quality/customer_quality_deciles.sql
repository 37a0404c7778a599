with cut_points as (

    select
        source,
        model_version,
        cast(slice as integer) as decile,
        value as lower_probability
    from {{ ref('customer_quality_model') }}
    where
        artifact = 'cut_point'
        and head = 'good'
    union all
    select distinct
        source,
        model_version,
        10 as decile,
        0 as lower_probability
    from {{ ref('customer_quality_model') }}
    where
        artifact = 'cut_point'
        and head = 'good'

),

customer_quality_deciles as (

    select
        source,
        model_version,
        decile,
        lower_probability,
        coalesce(
            lag(lower_probability) over (
                partition by source, model_version order by decile
            ),
            1
        ) as upper_probability
    from cut_points

)

select * from customer_quality_deciles
