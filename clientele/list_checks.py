"""What must be true of a list before it may be sent, as one query over the warehouse."""

from __future__ import annotations

# One row per list and broken rule: source, campaign_id, campaign_version, reason in words. The
# tables are compared with each other and not with what a build once found out, since a part of the
# warehouse may have been built anew without the rest.
FINDINGS = """
with status as (

    select * from marts.campaign_status

),

lists as (

    select
        *,
        cast(customer_key as varchar) as person_id,
        source || '.' || campaign_id || '.v' || campaign_version as audience_id
    from marts.campaign_lists

),

ledger_customers as (

    select
        source,
        campaign_id,
        campaign_version,
        customer_key,
        count(*) as row_count,
        any_value(state_group) as state_group,
        bool_or(state = 'sent' and assigned_date = as_of_date) as is_sent_today
    from marts.campaign_ledger
    group by all

),

ledger_counts as (

    select
        source,
        campaign_id,
        campaign_version,
        sum(row_count) as audience_count,
        count(*) filter (where row_count > 1) as repeated_count,
        count(*) filter (where state_group = 'sent') as sent_count,
        count(*) filter (where state_group = 'holdout_global') as holdout_global_count,
        count(*) filter (where state_group = 'holdout_campaign') as holdout_campaign_count,
        count(*) filter (where state_group = 'suppressed') as suppressed_count,
        count(*) filter (where state_group = 'capped') as capped_count,
        count(*) filter (where state_group = 'outranked') as outranked_count,
        count(*) filter (where is_sent_today) as sent_today_count
    from ledger_customers
    group by all

),

list_counts as (

    select
        source,
        campaign_id,
        campaign_version,
        count(*) as row_count,
        count(*) filter (where customer_key is null or customer_id is null) as nameless_count
    from lists
    group by all

),

statuses as (

    select
        source,
        campaign_id,
        campaign_version,
        count(*) as row_count,
        bool_or(campaign_state = 'running') as is_running
    from status
    group by all

),

compared as (

    -- Every list that runs or has rows, with what the ledger and the status say of it.
    select
        coalesce(status.source, list_counts.source) as source,
        coalesce(status.campaign_id, list_counts.campaign_id) as campaign_id,
        coalesce(status.campaign_version, list_counts.campaign_version) as campaign_version,
        coalesce(statuses.is_running, false) as is_running,
        coalesce(statuses.row_count, 0) as status_rows,
        status.audience_count as stated_count,
        status.sent_count + status.holdout_global_count + status.holdout_campaign_count
        + status.suppressed_count + status.capped_count + status.outranked_count as state_sum,
        status.unexplained_count,
        coalesce(ledger_counts.audience_count, 0) as ledger_rows,
        coalesce(ledger_counts.repeated_count, 0) as repeated_count,
        coalesce(
            ledger_counts.sent_count + ledger_counts.holdout_global_count
            + ledger_counts.holdout_campaign_count + ledger_counts.suppressed_count
            + ledger_counts.capped_count + ledger_counts.outranked_count,
            0
        ) as ledger_sum,
        coalesce(ledger_counts.sent_count, 0) = status.sent_count
        and coalesce(ledger_counts.holdout_global_count, 0) = status.holdout_global_count
        and coalesce(ledger_counts.holdout_campaign_count, 0) = status.holdout_campaign_count
        and coalesce(ledger_counts.suppressed_count, 0) = status.suppressed_count
        and coalesce(ledger_counts.capped_count, 0) = status.capped_count
        and coalesce(ledger_counts.outranked_count, 0) = status.outranked_count
            as states_agree,
        status.sent_today_count,
        coalesce(ledger_counts.sent_today_count, 0) as ledger_sent_today,
        coalesce(list_counts.row_count, 0) as list_rows,
        coalesce(list_counts.nameless_count, 0) as nameless_count
    from status
    full outer join list_counts
        on
            status.source = list_counts.source
            and status.campaign_id = list_counts.campaign_id
            and status.campaign_version = list_counts.campaign_version
    left join statuses
        on
            coalesce(status.source, list_counts.source) = statuses.source
            and coalesce(status.campaign_id, list_counts.campaign_id) = statuses.campaign_id
            and coalesce(status.campaign_version, list_counts.campaign_version)
            = statuses.campaign_version
    left join ledger_counts
        on
            coalesce(status.source, list_counts.source) = ledger_counts.source
            and coalesce(status.campaign_id, list_counts.campaign_id) = ledger_counts.campaign_id
            and coalesce(status.campaign_version, list_counts.campaign_version)
            = ledger_counts.campaign_version
    where status.campaign_state = 'running' or list_counts.row_count > 0

),

ledger_against_list as (

    select
        coalesce(lists.source, ledger.source) as source,
        coalesce(lists.campaign_id, ledger.campaign_id) as campaign_id,
        coalesce(lists.campaign_version, ledger.campaign_version) as campaign_version,
        count(*) filter (where ledger.customer_key is null) as only_list_count,
        count(*) filter (where lists.customer_key is null) as only_ledger_count
    from lists
    full outer join (select * from ledger_customers where is_sent_today) as ledger
        on
            lists.source = ledger.source
            and lists.campaign_id = ledger.campaign_id
            and lists.campaign_version = ledger.campaign_version
            and lists.customer_key = ledger.customer_key
    group by all

),

repeated_people as (

    select
        source,
        campaign_id,
        campaign_version,
        count(*) as row_count
    from (
        select
            *,
            count(*) over (partition by source, customer_key) as list_count
        from lists
    )
    where list_count > 1
    group by all

),

suppressed_people as (

    -- A soft reason that comes up later on the day takes nobody off the list; the ledger says so.
    select
        lists.source,
        lists.campaign_id,
        lists.campaign_version,
        count(*) as row_count
    from lists
    semi join campaigns.customer_suppressions as suppressions
        on
            lists.customer_key = suppressions.customer_key
            and lists.channel = suppressions.channel
            and suppressions.is_hard is not false
    group by all

),

unassigned_people as (

    -- Whoever is sent without a written arm can never be compared with the holdout.
    select
        lists.source,
        lists.campaign_id,
        lists.campaign_version,
        count(*) as row_count
    from lists
    anti join campaigns.campaign_assignments as assignments
        on
            lists.source = assignments.source
            and lists.campaign_id = assignments.campaign_id
            and lists.campaign_version = assignments.campaign_version
            and lists.customer_key = assignments.customer_key
            and lists.as_of_date = assignments.assigned_date
            and assignments.arm = 'sent'
    group by all

),

looked_back as (

    -- A list of a past day was given out on it, and is not given out again.
    select
        lists.source,
        lists.campaign_id,
        lists.campaign_version,
        max(assignments.assigned_date) as latest_date
    from (
        select distinct source, campaign_id, campaign_version, as_of_date
        from lists
    ) as lists
    inner join (
        select source, max(assigned_date) as assigned_date
        from campaigns.campaign_assignments
        group by source
    ) as assignments
        on
            lists.source = assignments.source
            and lists.as_of_date < assignments.assigned_date
    group by all

),

late_rows as (

    select
        lists.source,
        lists.campaign_id,
        lists.campaign_version,
        count(*) as row_count
    from lists
    anti join intermediate.int_as_of as as_of
        on
            lists.source = as_of.source
            and lists.as_of_date = as_of.as_of_date
    group by all

),

memberships_against_list as (

    select
        lists.source,
        lists.campaign_id,
        lists.campaign_version,
        count(*) filter (where memberships.person_id is null or people.id is null) as row_count
    from lists
    left join marts.audience_memberships as memberships
        on
            lists.audience_id = memberships.audience_id
            and lists.person_id = memberships.person_id
    left join marts.people as people
        on lists.person_id = people.id
    group by all

),

audience_sizes as (

    select
        compared.source,
        compared.campaign_id,
        compared.campaign_version,
        compared.list_rows,
        count(memberships.person_id) as member_count,
        count(distinct audiences.id) as audience_rows
    from compared
    left join marts.audiences as audiences
        on
            compared.source = audiences.source
            and compared.campaign_id = audiences.campaign_id
            and compared.campaign_version = audiences.campaign_version
    left join marts.audience_memberships as memberships
        on
            compared.source || '.' || compared.campaign_id || '.v' || compared.campaign_version
            = memberships.audience_id
    group by all

),

findings as (

    select
        source,
        campaign_id,
        campaign_version,
        unnest([
            case when not is_running then 'it has rows, but the campaign does not run' end,
            case
                when status_rows > 1 then 'campaign_status has ' || status_rows || ' rows of it'
            end,
            case
                when (stated_count <> state_sum or unexplained_count <> 0) is not false
                    then 'its audience of ' || coalesce(stated_count, 0)
                    || ' is not the sum of its states, ' || coalesce(state_sum, 0)
            end,
            case
                when ledger_rows <> ledger_sum
                    then 'the ledger has ' || ledger_rows || ' rows and ' || ledger_sum
                    || ' customers with a known state'
            end,
            case
                when (stated_count <> ledger_rows or not states_agree) is not false
                    then 'campaign_status and the ledger count its states differently'
            end,
            case
                when repeated_count > 0
                    then repeated_count || ' customers are in its ledger more than once'
            end,
            case
                when (list_rows <> ledger_sent_today or list_rows <> sent_today_count) is not false
                    then 'it has ' || list_rows || ' rows, but the ledger has ' || ledger_sent_today
                    || ' customers sent today and campaign_status ' || coalesce(sent_today_count, 0)
            end,
            case
                when nameless_count > 0 then nameless_count || ' rows name no customer'
            end
        ]) as reason
    from compared
    union all
    select
        source,
        campaign_id,
        campaign_version,
        only_list_count || ' customers on it and ' || only_ledger_count
        || ' that the ledger has sent today are not the same' as reason
    from ledger_against_list
    where only_list_count > 0 or only_ledger_count > 0
    union all
    select
        source,
        campaign_id,
        campaign_version,
        row_count || ' rows are of customers who are on lists more than once today' as reason
    from repeated_people
    union all
    select
        source,
        campaign_id,
        campaign_version,
        row_count || ' customers on it are suppressed on its channel' as reason
    from suppressed_people
    union all
    select
        source,
        campaign_id,
        campaign_version,
        row_count || ' customers on it have no arm `sent` of today in campaign_assignments'
            as reason
    from unassigned_people
    union all
    select
        source,
        campaign_id,
        campaign_version,
        row_count || ' rows are not of the as-of date' as reason
    from late_rows
    union all
    select
        source,
        campaign_id,
        campaign_version,
        'it is of a past day: people were assigned on ' || latest_date as reason
    from looked_back
    union all
    select
        source,
        campaign_id,
        campaign_version,
        row_count || ' rows are not in audience_memberships and people' as reason
    from memberships_against_list
    where row_count > 0
    union all
    select
        source,
        campaign_id,
        campaign_version,
        'audience_memberships has ' || member_count || ' members for its ' || list_rows || ' rows'
            as reason
    from audience_sizes
    where member_count <> list_rows or audience_rows <> 1

)

select
    source,
    campaign_id,
    campaign_version,
    reason
from findings
where reason is not null
order by all
"""
