with duplicate_rows as (

    select * from {{ ref('int_duplicate_rows') }}

)

select * from duplicate_rows
