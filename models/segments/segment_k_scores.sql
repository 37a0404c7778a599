with scores as (

    select
        source,
        cast(k as integer) as k,
        max(case when item = 'inertia' then value end) as inertia,
        max(case when item = 'silhouette' then value end) as silhouette,
        max(case when item = 'calinski_harabasz' then value end) as calinski_harabasz,
        max(case when item = 'davies_bouldin' then value end) as davies_bouldin,
        max(case when item = 'smallest_share' then value end) as smallest_segment_share
    from {{ ref('segment_kmeans') }}
    where artifact = 'k_score'
    group by source, k

),

knees as (

    select
        source,
        k
    from {{ ref('segment_kmeans') }}
    where artifact = 'knee'

),

chosen as (

    select
        source,
        max(segment_id) as k
    from {{ ref('segment_centroids') }}
    group by source

),

segment_k_scores as (

    select
        scores.*,
        knees.k is not null as is_knee,
        chosen.k is not null as is_chosen
    from scores
    left join knees
        on
            scores.source = knees.source
            and scores.k = knees.k
    left join chosen
        on
            scores.source = chosen.source
            and scores.k = chosen.k

)

select * from segment_k_scores
