-- Contacts and measurements up to the as-of date, of whatever campaign: whoever is in a campaign
-- already does not compete for it, so all of these are of others.
{%- set gap_days = number_var('contact_gap_days') %}
{%- set limit_days = number_var('contact_limit_days') %}
with assignments as (

    select
        earlier.*,
        {{ days_between('earlier.assigned_date', 'as_of.as_of_date') }} as age_days,
        -- The global holdout is in no campaign's comparison: nothing is measured on it.
        earlier.arm <> 'holdout_global'
        and earlier.measurement_ends_on >= as_of.as_of_date as is_open
    from {{ ref('earlier_assignments') }} as earlier
    inner join {{ ref('int_as_of') }} as as_of
        on
            earlier.source = as_of.source
            and earlier.assigned_date <= as_of.as_of_date

),

dated as (

    select
        *,
        max(case when is_open then measurement_ends_on end) over (
            partition by customer_key
        ) as measured_until
    from assignments

),

counted as (

    select
        customer_key,
        count(*) filter (
            where arm = 'sent' and age_days < {{ limit_days }}
        ) as recent_contact_count,
        max(assigned_date) filter (
            where arm = 'sent' and age_days < {{ gap_days }}
        ) as too_recent_contact_date,
        max(measured_until) as measured_until,
        min(campaign_id) filter (
            where is_open and measurement_ends_on = measured_until
        ) as measuring_campaign_id
    from dated
    group by customer_key

),

campaign_contacts as (

    select
        customer_key,
        case
            when too_recent_contact_date is not null
                then 'contacted on ' || cast(too_recent_contact_date as string)
            when recent_contact_count >= {{ number_var('contact_limit') }}
                then
                    'contacted ' || cast(recent_contact_count as string)
                    || ' times in {{ limit_days }} days'
            when measured_until is not null
                then
                    'the measurement of ' || measuring_campaign_id || ' is open until '
                    || cast(measured_until as string)
        end as contact_cap
    from counted

)

select * from campaign_contacts
