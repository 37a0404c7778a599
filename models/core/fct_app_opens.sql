with fct_app_opens as (

    select
        customer_key,
        source,
        opened_at
    from {{ ref('int_app_opens') }}

)

select * from fct_app_opens
