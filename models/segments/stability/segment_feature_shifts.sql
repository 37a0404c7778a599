with used as (

    select * from {{ ref('segment_feature_selection') }}
    where is_used

),

scaling as (

    select
        {%- for feature in feature_names() %}
        max(lower_bound) filter (where feature = '{{ feature }}') as {{ feature }}_lower,
        max(upper_bound) filter (where feature = '{{ feature }}') as {{ feature }}_upper,
        {%- endfor %}
        source
    from used
    group by source

),

-- Means of decimals do not depend on the order of rows.
means as (

    select
        {%- for feature in feature_names() %}
        {{ mean_of_decimals(to_decimal(
            "greatest(
                least(cast(customers." ~ feature ~ " as double), scaling." ~ feature ~ "_upper),
                scaling." ~ feature ~ "_lower
            )",
            18, 6
        )) }} as {{ feature }},
        {%- endfor %}
        customers.source
    from {{ ref('customer_features') }} as customers
    inner join scaling
        on customers.source = scaling.source
    group by customers.source

),

current_means as (
    {% for feature in feature_names() %}
    select
        source,
        '{{ feature }}' as feature,
        cast({{ feature }} as double) as current_mean
    from means
    {{ "union all" if not loop.last }}
    {%- endfor %}

),

segment_feature_shifts as (

    select
        used.source,
        used.model_version,
        used.feature,
        used.mean_value as fitted_mean,
        current_means.current_mean,
        (current_means.current_mean - used.mean_value) / used.standard_deviation
            as shift_in_deviations
    from used
    left join current_means
        on
            used.source = current_means.source
            and used.feature = current_means.feature

)

select * from segment_feature_shifts
