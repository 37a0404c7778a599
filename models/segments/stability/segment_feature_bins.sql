with shops as (

    select
        source,
        count(*) as customer_count,
        max(as_of_date) as as_of_date
    from {{ ref('customer_features') }}
    group by source

),

unknown as (

    select
        source,
        feature
    from {{ ref('segment_feature_counts') }}
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
    from {{ ref('segment_feature_edges') }} as bins
    inner join shops
        on bins.source = shops.source
    left join {{ ref('segment_feature_counts') }} as counted
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
