{% snapshot customer_segment_history %}

{{
    config(
        unique_key='customer_key',
        strategy='check',
        check_cols=['segmentation_method', 'segment_id'],
        updated_at='valid_from',
        hard_deletes='ignore'
    )
}}

{%- set is_begun = load_relation(this) is not none %}
-- A source is passed over where it has lost more than half of its customers since, or where its
-- as-of date is not later than what is kept: history then stays as it is.
with members as (

    select * from {{ ref('customer_segments') }}

),

counted as (

    select
        source,
        count(*) as customer_count,
        max(as_of_date) as as_of_date
    from members
    group by source

),

kept as (
    {% if is_begun %}
    select
        source,
        count(*) filter (where dbt_valid_to is null) as open_count,
        max(as_of_date) as latest_date
    from {{ this }}
    group by source
    {% else %}
    select
        source,
        0 as open_count,
        cast(null as date) as latest_date
    from counted
    {% endif %}
),

recorded as (

    select counted.source
    from counted
    left join kept
        on counted.source = kept.source
    where
        2 * counted.customer_count >= coalesce(kept.open_count, 0)
        and (kept.latest_date is null or counted.as_of_date > kept.latest_date)

),

customer_segment_history as (

    select
        members.customer_key,
        members.source,
        members.model_version,
        members.segmentation_method,
        members.segment_id,
        members.segment_name,
        members.as_of_date,
        cast(members.as_of_date as timestamp) as valid_from
    from members
    inner join recorded
        on members.source = recorded.source

)

select * from customer_segment_history

{% endsnapshot %}
