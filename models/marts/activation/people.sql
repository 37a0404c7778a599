with lists as (

    select * from {{ ref('campaign_lists') }}

),

people as (

    -- Whoever stands on two lists is one person.
    select distinct
        cast(customer_key as string) as id,
        source,
        customer_id
    from lists

)

select * from people
