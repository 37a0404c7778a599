-- Who is in an audience was often chosen for not having bought lately, so that their own last weeks
-- say nothing of the next ones: what others of their kind did later does.
with cells as (

    select
        audience.source,
        audience.campaign_id,
        audience.campaign_version,
        customers.lifecycle_stage,
        customers.rfm_segment,
        count(*) as customer_count
    from {{ ref('campaign_audience') }} as audience
    inner join {{ ref('customer_rfm') }} as customers
        on audience.customer_key = customers.customer_key
    group by
        audience.source, audience.campaign_id, audience.campaign_version,
        customers.lifecycle_stage, customers.rfm_segment

),

rated as (

    select
        cells.*,
        baselines.conversion_rate,
        baselines.baseline_date
    from cells
    inner join {{ ref('campaigns_in_force') }} as campaigns
        on
            cells.source = campaigns.source
            and cells.campaign_id = campaigns.campaign_id
            and cells.campaign_version = campaigns.campaign_version
    left join {{ ref('conversion_baselines') }} as baselines
        on
            campaigns.source = baselines.source
            and campaigns.measurement_days = baselines.measurement_days
            and cells.lifecycle_stage = baselines.lifecycle_stage
            and cells.rfm_segment is not distinct from baselines.rfm_segment

),

campaign_baselines as (

    select
        source,
        campaign_id,
        campaign_version,
        cast(sum(customer_count) as integer) as audience_count,
        cast(coalesce(sum(customer_count) filter (where conversion_rate is not null), 0) as integer)
            as known_count,
        {{ to_decimal(
            "cast(sum(customer_count * conversion_rate) as double)
            / sum(customer_count) filter (where conversion_rate is not null)",
            9, 8
        ) }} as expected_conversion,
        max(baseline_date) as baseline_date
    from rated
    group by source, campaign_id, campaign_version

)

select * from campaign_baselines
