with competing as (

    select * from {{ ref('campaign_claims') }}
    where
        not has_earlier_arm
        and case when has_arm_of_today then not is_hard else suppression is null end

),

ranked as (

    select
        *,
        row_number() over (
            partition by customer_key
            order by
                has_arm_of_today desc, priority asc, expected_value desc, campaign_id asc
        ) as campaign_rank
    from competing

),

campaign_winners as (

    select
        source,
        campaign_id,
        campaign_version,
        customer_key,
        customer_id,
        priority,
        bucket,
        expected_value,
        has_arm_of_today,
        as_of_date
    from ranked
    where campaign_rank = 1

)

select * from campaign_winners
