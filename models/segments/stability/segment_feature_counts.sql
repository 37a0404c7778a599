{%- set features = feature_names() -%}

with edges as (

    select
        {%- for feature in features %}
        {%- for number in range(1, 10) %}
        max(shifted_edge) filter (where feature = '{{ feature }}' and bin_number = {{ number }})
            as {{ feature }}_{{ number }},
        {%- endfor %}
        {%- endfor %}
        source
    from {{ ref('segment_feature_edges') }}
    group by source

),

-- A bin holds its upper edge. An edge that there is not adds nothing, an unknown value has no bin.
binned as (

    select
        {%- for feature in features %}
        1
        {%- for number in range(1, 10) %}
        + case when customers.{{ feature }} > edges.{{ feature }}_{{ number }} then 1 else 0 end
        {%- endfor %}
        + case when customers.{{ feature }} is null then cast(null as integer) else 0 end
            as {{ feature }},
        {%- endfor %}
        customers.source
    from {{ ref('customer_features') }} as customers
    inner join edges
        on customers.source = edges.source

),

-- One pass for all features: each grouping set counts the bins of one of them. sqlfluff's DuckDB
-- dialect cannot read grouping sets, hence the exception.
segment_feature_counts as (

    select
        source,
        case
            {%- for feature in features %}
            when grouping({{ feature }}) = 0 then '{{ feature }}'
            {%- endfor %}
        end as feature,
        coalesce({{ features | join(", ") }}) as bin_number,
        count(*) as customer_count
    from binned
    group by grouping sets (  -- noqa: PRS
        {%- for feature in features %}
        (source, {{ feature }}){{ "," if not loop.last }}
        {%- endfor %}
    )

)

select * from segment_feature_counts
