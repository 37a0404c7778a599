with consents as (

    select * from {{ ref('known_consents') }}

),

-- A source that sends consents asks for them, whatever the dates of its rows: who has none there is
-- not contacted. A source that never sent one does not ask.
asking_sources as (

    select distinct source from {{ ref('int_consents') }}

),

channels as (

    select distinct {{ canonical_channel('channel') }} as channel
    from {{ ref('campaigns_checked') }}

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

-- A word for the channel and one for every channel count alike: the later one holds.
words as (

    select
        customers.*,
        greatest(own.consented_at, every_channel.consented_at) as consented_at,
        greatest(own.withdrawn_at, every_channel.withdrawn_at) as withdrawn_at
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

),

missing_consents as (

    select
        customer_key,
        source,
        channel,
        case
            when withdrawn_at < timestamp '9999-12-31 00:00:00' then cast(withdrawn_at as date)
        end as withdrawn_on,
        as_of_date
    from words
    where
        consented_at is null
        -- Of a yes and a no at the same time the no counts.
        or consented_at <= withdrawn_at

)

select * from missing_consents
