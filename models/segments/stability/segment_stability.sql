{%- set measures = ["ceiling", "agreement", "rho", "phi", "psi_shares"] -%}

with segment_stability as (

    select
        source,
        model_version,
        lag_days,
        {%- for measure in measures %}
        max(case when item = '{{ measure }}' then value end) as {{ measure }},
        {%- endfor %}
        {%- for feature in feature_names() %}
        max(case when item = 'psi:{{ feature }}' then value end) as psi_{{ feature }},
        {%- endfor %}
        cast(detail as date) as origin_date
    from {{ ref('segment_artifacts') }}
    where artifact = 'stability'
    group by source, model_version, lag_days, detail

)

select * from segment_stability
