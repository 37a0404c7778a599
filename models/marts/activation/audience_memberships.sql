with lists as (

    select * from {{ ref('campaign_lists') }}

),

audience_memberships as (

    select
        cast(customer_key as string) as person_id,
        {{ audience_id('source', 'campaign_id', 'campaign_version') }} as audience_id
    from lists

)

select * from audience_memberships
