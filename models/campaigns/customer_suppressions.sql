with channels as (

    select distinct channel from {{ ref('campaigns') }}

),

customer_suppressions as (

    select
        customers.customer_key,
        customers.source,
        channels.channel,
        coalesce(suppressions.reason, 'unsubscribed') as suppression,
        true as is_hard,
        cast(null as date) as suppressed_on,
        customers.as_of_date
    from {{ ref('customer_single_view') }} as customers
    inner join {{ ref('suppressions') }} as suppressions
        on
            customers.source = {{ canonical_id('suppressions.source') }}
            and customers.customer_id = {{ canonical_id('suppressions.customer_id') }}
    cross join channels

)

select * from customer_suppressions
