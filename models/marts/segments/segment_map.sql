-- Dots without the customers behind them: in the order of their places, and placed no more exactly
-- than a picture needs.
with segment_map as (

    select
        source,
        model_version,
        segmentation_method,
        segment_id,
        segment_name,
        cast(
            row_number() over (
                partition by source
                order by component_1 asc, component_2 asc, segment_id asc, customer_key asc
            ) as integer
        ) as dot_number,
        cast(component_1 as decimal(9, 2)) as component_1,
        cast(component_2 as decimal(9, 2)) as component_2,
        as_of_date
    from {{ ref('segment_projection') }}

)

select * from segment_map
