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

campaign_contacts as (

    select
        customer_key,
        cast(count(*) filter (
            where arm = 'sent' and age_days < {{ limit_days }}
        ) as integer) as recent_contact_count,
        max(assigned_date) filter (
            where arm = 'sent' and age_days < {{ gap_days }}
        ) as too_recent_contact_date,
        max(measurement_ends_on) filter (where is_open) as measured_until,
        min(campaign_id) filter (where is_open) as measuring_campaign_id
    from assignments
    group by customer_key

)

select * from campaign_contacts
