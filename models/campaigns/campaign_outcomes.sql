with assigned as (

    select
        assignments.campaign_id,
        assignments.campaign_version,
        assignments.customer_key,
        assignments.source,
        assignments.arm,
        assignments.holdout_share,
        assignments.measurement_days,
        assignments.cost_per_contact,
        assignments.assigned_date,
        assignments.measurement_ends_on,
        shops.as_of_date,
        {{ add_days('assignments.measurement_ends_on', number_var('late_delivery_days')) }}
            as ripe_on,
        {{ add_days('assignments.assigned_date', '-assignments.measurement_days') }}
            as before_from
    from {{ ref('campaign_assignments') }} as assignments
    inner join {{ ref('int_as_of') }} as shops
        on assignments.source = shops.source
    where
        assignments.arm in ('sent', 'holdout_campaign')
        and assignments.assigned_date <= shops.as_of_date

),

-- Of the window what is known when it is ripe, of the days before what was known when the arm was
-- drawn: so a result stays as it is, and nothing that the campaign did passes for something before.
totals as (

    select
        assigned.campaign_id,
        assigned.campaign_version,
        assigned.customer_key,
        count(*) filter (where orders.order_date > assigned.assigned_date) as order_count,
        sum(orders.cm2) filter (where orders.order_date > assigned.assigned_date) as cm2,
        sum(orders.cm2) filter (where orders.order_date <= assigned.assigned_date) as pre_cm2
    from assigned
    inner join {{ ref('known_successes') }} as orders
        on
            assigned.customer_key = orders.customer_key
            and assigned.before_from < orders.order_date
            and assigned.measurement_ends_on >= orders.order_date
    where
        orders.known_date <= case
            when orders.order_date > assigned.assigned_date then assigned.ripe_on
            else assigned.assigned_date
        end
    group by assigned.campaign_id, assigned.campaign_version, assigned.customer_key

),

joined as (

    select
        assigned.*,
        totals.order_count,
        totals.cm2,
        totals.pre_cm2,
        assigned.ripe_on <= assigned.as_of_date as is_ripe
    from assigned
    left join totals
        on
            assigned.customer_key = totals.customer_key
            and assigned.campaign_id = totals.campaign_id
            and assigned.campaign_version = totals.campaign_version

),

-- Before it is ripe nothing is known, and what is not known is null.
campaign_outcomes as (

    select
        campaign_id,
        campaign_version,
        customer_key,
        source,
        arm,
        holdout_share,
        measurement_days,
        cast(case when is_ripe then coalesce(order_count, 0) end as integer) as order_count,
        cost_per_contact,
        cast(case when is_ripe then coalesce(cm2, 0) end as decimal(18, 4)) as cm2,
        cast(coalesce(pre_cm2, 0) as decimal(18, 4)) as pre_cm2,
        case when is_ripe then coalesce(order_count, 0) > 0 end as is_converted,
        is_ripe,
        assigned_date,
        measurement_ends_on,
        ripe_on,
        as_of_date
    from joined

)

select * from campaign_outcomes
