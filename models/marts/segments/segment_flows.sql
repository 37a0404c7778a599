-- A flow of few people keeps its number; what they bring would be theirs alone.
with segment_flows as (

    select
        source,
        movement,
        from_segment_id,
        from_segment_name,
        to_segment_id,
        to_segment_name,
        months_back,
        customer_count,
        {%- for column in ['from_cm2_365d', 'to_cm2_365d'] %}
        case when customer_count >= {{ number_var('smallest_group') }} then {{ column }} end
            as {{ column }},
        {%- endfor %}
        share_of_from_segment,
        from_date,
        to_date
    from {{ ref('segment_migrations') }}

)

select * from segment_flows
