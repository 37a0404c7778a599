with stg_online_retail__landed_rows as (

    select
        'online_retail' as source_table,
        count(*) as landed_count
    from {{ source('online_retail', 'online_retail') }}

)

select * from stg_online_retail__landed_rows
