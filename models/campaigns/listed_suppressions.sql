with suppressions as (

    select * from {{ ref('int_suppressions') }}

),

customers as (

    select * from {{ ref('dim_customers') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

-- Matched here and not where rows are judged: who is on a list before the first order is left alone
-- from that order on.
in_force as (

    select
        customers.customer_key,
        customers.source,
        suppressions.channel,
        suppressions.suppression,
        suppressions.suppressed_on,
        as_of.as_of_date
    from suppressions
    inner join customers
        on
            suppressions.customer_key = customers.customer_key
            and suppressions.source = customers.source
    inner join as_of
        on customers.source = as_of.source
    where
        coalesce(suppressions.suppressed_on, as_of.as_of_date) <= as_of.as_of_date
        and coalesce(suppressions.ended_on, as_of.as_of_date) >= as_of.as_of_date

),

listed_suppressions as (

    select
        customer_key,
        source,
        channel,
        suppression,
        max(suppressed_on) as suppressed_on,
        as_of_date
    from in_force
    group by customer_key, source, channel, suppression, as_of_date

)

select * from listed_suppressions
