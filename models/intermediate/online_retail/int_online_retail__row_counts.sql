-- What is accepted is counted where it arrives, so that a row lost on the way shows.
with landed as (

    select * from {{ ref('stg_online_retail__landed_rows') }}

),

accepted as (

    select count(*) as accepted_count from {{ ref('int_online_retail__order_lines') }}

),

rejected as (

    select count(*) as rejected_count from {{ ref('int_online_retail__rejected_rows') }}

),

int_online_retail__row_counts as (

    select
        'online_retail' as source,
        landed.source_table,
        landed.landed_count,
        accepted.accepted_count,
        rejected.rejected_count,
        cast(0 as bigint) as duplicate_count
    from landed
    cross join accepted
    cross join rejected

)

select * from int_online_retail__row_counts
