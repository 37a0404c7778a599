-- A table, so that the engine knows how few they are and begins every join with them.
with ranked as (

    select
        customer_key,
        source,
        row_number() over (partition by source order by sample_key, customer_key) as sample_rank
    from {{ ref('customer_features') }}

),

recent_sample as (

    select
        customer_key,
        source
    from ranked
    where sample_rank <= {{ number_var('recent_sample_size') }}

)

select * from recent_sample
