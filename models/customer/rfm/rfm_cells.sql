with scores as (
    {% for score in range(1, 6) %}
    select {{ score }} as score
    {{ "union all" if not loop.last }}
    {%- endfor %}
),

tenures as (

    select false as is_new
    union all
    select true as is_new

),

rfm_cells as (

    select
        {{ rfm_segment('recency.score', 'frequency.score', 'monetary.score', 'tenures.is_new') }}
            as rfm_segment,
        recency.score as recency_score,
        frequency.score as frequency_score,
        monetary.score as monetary_score,
        tenures.is_new
    from scores as recency
    cross join scores as frequency
    cross join scores as monetary
    cross join tenures

)

select * from rfm_cells
