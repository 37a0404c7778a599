{%- set gate = [
    "bootstrap_agreement", "cluster_jaccard", "prediction_strength", "smallest_customer_count",
    "smallest_share", "seed_agreement",
] -%}
{%- set beside = [
    "usefulness", "usefulness_error", "inertia", "silhouette", "silhouette_error",
    "calinski_harabasz", "davies_bouldin", "gap", "gap_error",
] -%}
with measures as (

    select
        {%- for measure in gate + beside %}
        max(case when item = '{{ measure }}' then value end) as {{ measure }},
        {%- endfor %}
        source,
        k
    from {{ ref('segment_artifacts') }}
    where artifact = 'k_score'
    group by source, k

),

thresholds as (

    select
        {%- for measure in gate %}
        max(case when item = '{{ measure }}' then value end) as min_{{ measure }},
        {%- endfor %}
        source
    from {{ ref('segment_artifacts') }}
    where artifact = 'threshold'
    group by source

),

knees as (

    select
        source,
        max(k) as knee_k
    from {{ ref('segment_artifacts') }}
    where artifact = 'knee'
    group by source

),

-- The rule segments stand for choice in every source, also where nothing could be measured.
candidates as (

    select
        source,
        k
    from measures
    where k is not null
    union all
    select
        source,
        null as k
    from {{ ref('segmentation_status') }}

),

compared as (

    select
        candidates.source,
        status.model_version,
        candidates.k,
        {%- for measure in gate %}
        measures.{{ measure }},
        case when candidates.k is not null then thresholds.min_{{ measure }} end
            as min_{{ measure }},
        measures.{{ measure }} >= thresholds.min_{{ measure }} as is_{{ measure }}_met,
        {%- endfor %}
        {%- for measure in beside %}
        measures.{{ measure }},
        {%- endfor %}
        candidates.k = knees.knee_k as is_knee,
        case
            when candidates.k is null then status.segmentation_method = 'rules'
            else status.segmentation_method = 'clusters' and candidates.k = status.candidate_k
        end as is_chosen,
        status.reason
    from candidates
    inner join {{ ref('segmentation_status') }} as status
        on candidates.source = status.source
    left join thresholds
        on candidates.source = thresholds.source
    left join knees
        on candidates.source = knees.source
    left join measures
        on
            candidates.source = measures.source
            and candidates.k is not distinct from measures.k

),

segment_k_scores as (

    select
        source,
        cast(model_version as string) as model_version,
        case when k is null then 'rules' else 'k = ' || cast(k as string) end as candidate,
        k,
        case when is_chosen then reason end as reason,
        {%- for measure in gate %}
        {{ measure }},
        min_{{ measure }},
        {%- endfor %}
        {%- for measure in beside %}
        {{ measure }},
        {%- endfor %}
        {%- for measure in gate %}
        case when k is not null then coalesce(is_{{ measure }}_met, false) end
            as is_{{ measure }}_met,
        {%- endfor %}
        case
            when k is not null
                then coalesce(
                    is_bootstrap_agreement_met
                    and is_cluster_jaccard_met
                    and is_prediction_strength_met
                    and is_smallest_customer_count_met
                    and is_smallest_share_met
                    and is_seed_agreement_met,
                    false
                )
        end as is_eligible,
        coalesce(is_knee, false) as is_knee,
        is_chosen
    from compared

)

select * from segment_k_scores
