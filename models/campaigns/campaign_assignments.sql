-- An arm is written once: a build appends what is not there yet and changes nothing.
with today as (

    select
        source,
        campaign_id,
        campaign_version,
        customer_key,
        customer_id,
        decision as arm,
        bucket,
        global_bucket,
        measurement_days,
        holdout_share,
        global_holdout_share,
        cost_per_contact,
        {{ run_name('as_of_date') }} as run_id,
        as_of_date as assigned_date,
        {{ add_days('as_of_date', 'measurement_days') }} as measurement_ends_on
    from {{ ref('campaign_decisions') }}
    where decision in ('sent', 'holdout_global', 'holdout_campaign')

),

held as (
    {% if is_incremental() %}
    select * from {{ this }}
    {% else %}
    select * from {{ ref('restored_assignments') }}
    where false
    {% endif %}
),

arms as (

    select {{ assignment_columns().keys() | join(", ") }}
    from {{ ref('restored_assignments') }}
    union all
    select {{ assignment_columns().keys() | join(", ") }}
    from today

),

campaign_assignments as (

    select arms.*
    from arms
    left join held
        on
            arms.customer_key = held.customer_key
            and arms.campaign_id = held.campaign_id
            and arms.campaign_version = held.campaign_version
    where held.customer_key is null

)

select * from campaign_assignments
