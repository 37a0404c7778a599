with facts as (

    select * from {{ ref('customer_quality_model') }}

),

scaling as (

    select
        source,
        model_version,
        item as feature,
        max(case when artifact = 'dropped' then note end) as dropped_because,
        max(case when artifact = 'scaling_fill' then value end) as fill_value,
        max(case when artifact = 'scaling_lower' then value end) as lower_bound,
        max(case when artifact = 'scaling_upper' then value end) as upper_bound,
        max(case when artifact = 'scaling_mean' then value end) as mean_value,
        max(case when artifact = 'scaling_deviation' then value end) as standard_deviation
    from facts
    where artifact = 'dropped' or artifact like 'scaling%'
    group by source, model_version, item

),

heads as (

    select distinct
        source,
        model_version,
        head
    from facts
    where artifact = 'coefficient'

),

terms as (

    select
        scaling.*,
        heads.head
    from scaling
    inner join heads
        on
            scaling.source = heads.source
            and scaling.model_version = heads.model_version
    union all
    select
        heads.source,
        heads.model_version,
        'intercept' as feature,
        null as dropped_because,
        null as fill_value,
        null as lower_bound,
        null as upper_bound,
        null as mean_value,
        null as standard_deviation,
        heads.head
    from heads

),

customer_quality_coefficients as (

    select
        terms.source,
        terms.model_version,
        terms.head,
        terms.feature,
        terms.dropped_because,
        terms.fill_value,
        terms.lower_bound,
        terms.upper_bound,
        terms.mean_value,
        terms.standard_deviation,
        facts.value as coefficient,
        terms.dropped_because is null as is_used
    from terms
    left join facts
        on
            terms.source = facts.source
            and terms.model_version = facts.model_version
            and terms.head = facts.head
            and terms.feature = facts.item
            and facts.artifact = 'coefficient'

)

select * from customer_quality_coefficients
