with int_sales_json__app_opens as (

    select
        cast(null as bigint) as customer_key,
        cast(null as string) as source,
        cast(null as timestamp) as opened_at
    where false

)

select * from int_sales_json__app_opens
