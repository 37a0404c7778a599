{%- set features = feature_names() -%}

with bins as (

    select
        source,
        model_version,
        item as feature,
        cast(detail as integer) as bin_number,
        max(case when artifact = 'psi_edge' then value end) as upper_edge,
        max(case when artifact = 'psi_share' then value end) as fitted_share
    from {{ ref('segment_artifacts') }}
    where artifact in ('psi_edge', 'psi_share')
    group by source, model_version, item, detail

),

-- Where unknown values are filled with the shop's mean, they all move with it, which is no drift: a
-- small move of the whole is taken off, as in the backtest.
shifted as (

    select
        bins.*,
        bins.upper_edge
        + case
            when
                bins.feature in ('rating', 'cm2_rate', 'distance', 'predicted_quality')
                and abs(shifts.shift_in_deviations) <= 0.25
                then shifts.current_mean - shifts.fitted_mean
            else 0
        end as shifted_edge
    from bins
    left join {{ ref('segment_feature_shifts') }} as shifts
        on
            bins.source = shifts.source
            and bins.feature = shifts.feature

),

shops as (

    select
        source,
        count(*) as customer_count,
        max(as_of_date) as as_of_date
    from {{ ref('customer_features') }}
    group by source

),

edges as (

    select
        {%- for feature in features %}
        {%- for number in range(1, 10) %}
        max(shifted_edge) filter (where feature = '{{ feature }}' and bin_number = {{ number }})
            as {{ feature }}_{{ number }},
        {%- endfor %}
        {%- endfor %}
        source
    from shifted
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
counted as (

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

),

unknown as (

    select
        source,
        feature
    from counted
    where bin_number is null

),

segment_feature_bins as (

    select
        bins.source,
        bins.model_version,
        bins.feature,
        bins.bin_number,
        bins.upper_edge,
        bins.fitted_share,
        case
            when unknown.feature is null
                then coalesce(counted.customer_count, 0) / nullif(shops.customer_count, 0)
        end as current_share,
        shops.as_of_date
    from bins
    inner join shops
        on bins.source = shops.source
    left join counted
        on
            bins.source = counted.source
            and bins.feature = counted.feature
            and bins.bin_number = counted.bin_number
    left join unknown
        on
            bins.source = unknown.source
            and bins.feature = unknown.feature

)

select * from segment_feature_bins
