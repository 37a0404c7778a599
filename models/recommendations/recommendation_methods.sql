with recommendation_methods as (

    select
        cast(source as string) as source,
        cast(window_name as string) as window_name,
        method,
        cast(evidence_status as string) as evidence_status,
        cast(fallback_method as string) as fallback_method,
        cast(reason as string) as reason,
        cast(customer_count as bigint) as customer_count,
        cast(customers_with_items as bigint) as active_customer_count,
        cast(hit_count as bigint) as hit_count,
        cast(hit_rate as double) as hit_rate,
        cast(hit_rate_lower as double) as hit_rate_lower,
        cast(hit_rate_upper as double) as hit_rate_upper,
        cast(new_hit_rate as double) as new_hit_rate,
        cast(gain as double) as gain,
        cast(gain_lower as double) as gain_lower,
        cast(gain_upper as double) as gain_upper,
        cast(catalogue_coverage as double) as catalogue_coverage,
        cast(weight as double) as weight,
        cast(prior_count as double) as prior_count,
        is_candidate,
        is_served
    from {{ ref('recommendation_evaluation') }}

)

select * from recommendation_methods
