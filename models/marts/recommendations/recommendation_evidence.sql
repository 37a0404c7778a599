with recommendation_evidence as (

    select
        methods.source,
        methods.window_name,
        methods.method,
        methods.evidence_status,
        methods.reason,
        methods.customer_count,
        methods.active_customer_count,
        methods.hit_count,
        methods.hit_rate,
        methods.hit_rate_lower,
        methods.hit_rate_upper,
        methods.new_hit_rate,
        methods.gain,
        methods.gain_lower,
        methods.gain_upper,
        methods.catalogue_coverage,
        methods.weight,
        methods.prior_count,
        methods.is_candidate,
        methods.is_served,
        windows.learned_from_date,
        windows.learned_until_date,
        windows.judged_from_date,
        windows.judged_until_date
    from {{ ref('recommendation_methods') }} as methods
    inner join {{ ref('recommendation_windows') }} as windows
        on
            methods.source = windows.source
            and methods.window_name = windows.window_name

)

select * from recommendation_evidence
