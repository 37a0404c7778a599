with facts as (

    select * from {{ ref('customer_quality_model') }}

),

calibrations as (

    select
        source,
        model_version,
        head,
        max(case when item = 'slope' then value end) as calibration_slope,
        max(case when item = 'intercept' then value end) as calibration_intercept
    from facts
    where artifact = 'calibration'
    group by source, model_version, head

),

customer_quality_trees as (

    select
        facts.source,
        facts.model_version,
        facts.head,
        facts.item as feature,
        facts.tree_number,
        facts.node_number,
        facts.left_node,
        facts.right_node,
        facts.threshold,
        facts.value as node_value,
        facts.customer_count,
        calibrations.calibration_slope,
        calibrations.calibration_intercept,
        facts.missing_goes_left
    from facts
    inner join calibrations
        on
            facts.source = calibrations.source
            and facts.model_version = calibrations.model_version
            and facts.head = calibrations.head
    where facts.artifact = 'tree'

)

select * from customer_quality_trees
