with customers as (

    select
        single_view.customer_key,
        single_view.source,
        single_view.customer_id,
        members.segment_id,
        members.segment_name,
        members.archetype,
        rfm.rfm_segment,
        single_view.lifecycle_stage,
        single_view.recency_days,
        single_view.cm2_365d,
        single_view.as_of_date
    from {{ ref('customer_single_view') }} as single_view
    inner join {{ ref('customer_rfm') }} as rfm
        on single_view.customer_key = rfm.customer_key
    left join {{ ref('customer_segments') }} as members
        on single_view.customer_key = members.customer_key
    left join {{ ref('suppressions') }} as suppressions
        on
            single_view.source = {{ canonical_id('suppressions.source') }}
            and single_view.customer_id = {{ canonical_id('suppressions.customer_id') }}
    where
        single_view.is_customer
        and suppressions.customer_id is null

),

wanted as (

    select
        customers.*,
        campaigns.campaign_id,
        campaigns.campaign_name,
        campaigns.channel,
        campaigns.offer,
        campaigns.priority,
        campaigns.audience_kind || ' is ' || campaigns.audience as reason
    from customers
    inner join {{ ref('campaigns') }} as campaigns
        on
            campaigns.audience = case campaigns.audience_kind
                -- What an archetype is said to do, its dormant customers did long ago.
                when 'archetype'
                    then case
                        when customers.lifecycle_stage <> 'dormant' then customers.archetype
                    end
                when 'rfm_segment' then customers.rfm_segment
                when 'lifecycle_stage' then customers.lifecycle_stage
            end
            and customers.as_of_date >= coalesce(campaigns.starts_on, customers.as_of_date)
            and customers.as_of_date <= coalesce(campaigns.ends_on, customers.as_of_date)

),

ranked as (

    select
        *,
        row_number() over (
            partition by customer_key
            order by priority, campaign_id
        ) as campaign_rank
    from wanted

),

campaign_lists as (

    select
        campaign_id,
        customer_key,
        source,
        customer_id,
        campaign_name,
        channel,
        offer,
        reason,
        segment_name,
        rfm_segment,
        lifecycle_stage,
        recency_days,
        cm2_365d,
        as_of_date
    from ranked
    where campaign_rank = 1

)

select * from campaign_lists
