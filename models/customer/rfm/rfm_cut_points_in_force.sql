-- The latest version that is not after the as-of date, which may lie before other versions.
with versions as (

    select
        cut_points.source,
        max(cut_points.valid_from) as valid_from
    from {{ ref('rfm_cut_points') }} as cut_points
    inner join {{ ref('int_as_of') }} as as_of
        on
            cut_points.source = as_of.source
            and cut_points.valid_from <= as_of.as_of_date
    group by cut_points.source

),

rfm_cut_points_in_force as (

    select
        cut_points.source,
        cut_points.metric,
        cut_points.score,
        cut_points.lower_value,
        cut_points.upper_value,
        cut_points.customer_count,
        cut_points.valid_from
    from {{ ref('rfm_cut_points') }} as cut_points
    inner join versions
        on
            cut_points.source = versions.source
            and cut_points.valid_from = versions.valid_from

)

select * from rfm_cut_points_in_force
