with suppressions as (

    select * from {{ ref('customer_suppressions') }}

),

suppressions_in_force as (

    select
        source,
        channel,
        suppression,
        {{ suppression_words('suppression', 'channel') }} as suppression_words,
        is_hard,
        case
            when count(*) >= {{ number_var('smallest_group') }} then count(*)
        end as customer_count,
        as_of_date
    from suppressions
    group by source, channel, suppression, is_hard, as_of_date

)

select * from suppressions_in_force
