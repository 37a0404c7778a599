with consents as (

    select * from {{ ref('known_consents') }}

),

-- A source that sends consents asks for them, whatever the dates of its rows: who has none there is
-- not contacted. A source that never sent one does not ask.
asking_sources as (

    select distinct source from {{ ref('int_consents') }}

),

channels as (

    select distinct {{ canonical_channel('channel') }} as channel from {{ ref('campaigns') }}

),

customers as (

    select
        customers.customer_key,
        customers.source,
        channels.channel,
        as_of.as_of_date
    from {{ ref('dim_customers') }} as customers
    inner join asking_sources
        on customers.source = asking_sources.source
    inner join {{ ref('int_as_of') }} as as_of
        on customers.source = as_of.source
    cross join channels

),

missing_consents as (

    select
        customers.customer_key,
        customers.source,
        customers.channel,
        case
            when own.customer_key is not null then own.withdrawn_on
            else every_channel.withdrawn_on
        end as withdrawn_on,
        customers.as_of_date
    from customers
    left join consents as own
        on
            customers.customer_key = own.customer_key
            and customers.source = own.source
            and customers.channel = own.channel
    left join consents as every_channel
        on
            customers.customer_key = every_channel.customer_key
            and customers.source = every_channel.source
            and every_channel.channel is null
    where not coalesce(own.has_consent, every_channel.has_consent, false)

)

select * from missing_consents
