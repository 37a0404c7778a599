{%- set dimensions = [
    'state', 'city', 'payment_type', 'favourite_category', 'price_band', 'device_class',
    'rfm_segment', 'lifecycle_stage', 'quadrant_forecast',
] %}

with members as (

    select * from {{ ref('segment_members') }}

),

-- One scan for all dimensions: each row counts one value of one of them.
grouped as (

    select
        source,
        model_version,
        segmentation_method,
        segment_id,
        segment_name,
        {%- for dimension in dimensions %}
        {{ dimension }},
        grouping({{ dimension }}) = 0 as is_{{ dimension }},
        {%- endfor %}
        count(*) as customer_count
    from members
    -- sqlfluff does not know grouping sets.
    group by grouping sets ( -- noqa: PRS
        {%- for dimension in dimensions %}
        (source, model_version, segmentation_method, segment_id, segment_name, {{ dimension }})
        {{- ',' if not loop.last }}
        {%- endfor %}
    )

),

-- What is not known of a customer is no value: shares are of those of whom it is known.
counted as (

    select
        source,
        model_version,
        segmentation_method,
        segment_id,
        segment_name,
        case
            {%- for dimension in dimensions %}
            when is_{{ dimension }} then '{{ dimension }}'
            {%- endfor %}
        end as dimension,
        coalesce({{ dimensions | join(', ') }}) as dimension_value,
        customer_count
    from grouped
    where coalesce({{ dimensions | join(', ') }}) is not null

),

value_counts as (

    select
        source,
        dimension,
        dimension_value,
        sum(customer_count) as customer_count
    from counted
    group by source, dimension, dimension_value

),

-- A shop may have thousands of cities. Beyond the most common values the tail is one value.
ranked as (

    select
        source,
        dimension,
        dimension_value,
        row_number() over (
            partition by source, dimension
            order by customer_count desc, dimension_value asc
        ) as value_rank
    from value_counts

),

bounded as (

    select
        counted.source,
        counted.model_version,
        counted.segmentation_method,
        counted.segment_id,
        counted.segment_name,
        counted.dimension,
        case
            when ranked.value_rank <= {{ number_var('distribution_values') }}
                then counted.dimension_value
            else 'all others'
        end as dimension_value,
        sum(counted.customer_count) as customer_count
    from counted
    inner join ranked
        on
            counted.source = ranked.source
            and counted.dimension = ranked.dimension
            and counted.dimension_value = ranked.dimension_value
    group by all

),

compared as (

    select
        *,
        customer_count / sum(customer_count) over (partition by source, segment_id, dimension)
            as segment_share,
        sum(customer_count) over (partition by source, dimension, dimension_value)
        / sum(customer_count) over (partition by source, dimension) as all_customers_share
    from bounded

),

segment_distributions as (

    select
        source,
        model_version,
        segmentation_method,
        segment_id,
        segment_name,
        cast(dimension as string) as dimension,
        cast(dimension_value as string) as dimension_value,
        cast(customer_count as bigint) as customer_count,
        {{ to_decimal('segment_share', 18, 6) }} as segment_share,
        {{ to_decimal('all_customers_share', 18, 6) }} as all_customers_share,
        {{ to_decimal('100 * segment_share / all_customers_share', 18, 2) }} as index_to_all
    from compared
    where customer_count >= {{ number_var('smallest_group') }}

)

select * from segment_distributions
