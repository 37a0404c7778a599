with clv_parameters as (

    select
        source,
        cast(model_version as string) as model_version,
        cast(method as string) as fitted_to,
        max(case when item = 'r' then value end) as r,
        max(case when item = 'alpha' then value end) as alpha,
        max(case when item = 'a' then value end) as a,
        max(case when item = 'b' then value end) as b,
        max(case when item = 'p' then value end) as p,
        max(case when item = 'q' then value end) as q,
        max(case when item = 'gamma' then value end) as gamma,
        cast(max(case when item = 'bg_nbd' then note end) as string) as bg_nbd_convergence,
        cast(max(case when item = 'gamma_gamma' then note end) as string)
            as gamma_gamma_convergence,
        max(case when item = 'non_positive_share' then value end) as non_positive_share,
        cast(max(customer_count) as bigint) as customer_count,
        coalesce(
            min(case when item in ('bg_nbd', 'gamma_gamma') then value end) = 1, false
        ) as is_converged,
        cast(fitted_date as date) as fitted_date
    from {{ ref('clv_model') }}
    where artifact in ('parameter', 'convergence')
    group by source, model_version, method, fitted_date

)

select * from clv_parameters
