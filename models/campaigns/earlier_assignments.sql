-- A copy of what was there when the build began: today's decisions depend on it, and it must not
-- change with them.
{%- set stored = stored_assignments() %}
with stored as (
    {% if stored %}
    select {{ assignment_columns().keys() | join(", ") }} from {{ stored }}
    {% else %}
    select * from {{ ref('restored_assignments') }}
    where false
    {% endif %}
),

restored as (

    select restored.*
    from {{ ref('restored_assignments') }} as restored
    left join stored
        on
            restored.customer_key = stored.customer_key
            and restored.campaign_id = stored.campaign_id
            and restored.campaign_version = stored.campaign_version
    where stored.customer_key is null

),

assignments as (

    select * from stored
    union all
    select * from restored

),

-- What neither belongs to a running campaign nor can hold up a contact has no say any more.
earlier_assignments as (

    select assignments.*
    from assignments
    inner join {{ ref('int_as_of') }} as as_of
        on assignments.source = as_of.source
    left join {{ ref('campaigns_in_force') }} as campaigns
        on
            assignments.source = campaigns.source
            and assignments.campaign_id = campaigns.campaign_id
            and assignments.campaign_version = campaigns.campaign_version
    where
        campaigns.campaign_id is not null
        or assignments.measurement_ends_on >= as_of.as_of_date
        or {{ days_between('assignments.assigned_date', 'as_of.as_of_date') }}
        < greatest({{ number_var('contact_gap_days') }}, {{ number_var('contact_limit_days') }})

)

select * from earlier_assignments
