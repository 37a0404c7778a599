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

restored as (

    select restored.*
    from {{ ref('restored_assignments') }} as restored
    {%- if is_incremental() %}
    left join {{ this }} as stored
        on
            restored.customer_key = stored.customer_key
            and restored.campaign_id = stored.campaign_id
            and restored.campaign_version = stored.campaign_version
    where stored.customer_key is null
    {%- endif %}

),

campaign_assignments as (

    select * from restored
    union all
    select * from today

)

select * from campaign_assignments
