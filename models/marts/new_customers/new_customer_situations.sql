{%- set smallest = number_var('smallest_group') -%}
with situations as (

    select
        source,
        situation,
        next_step,
        channel,
        offer,
        assumed_uplift,
        cost_per_contact,
        as_of_date,
        count(*) as customer_count,
        count(*) filter (where expected_value_of_acting > 0) as worth_contacting_count,
        sum(expected_value_of_acting) filter (where expected_value_of_acting > 0) as expected_value,
        -- Sums of decimals do not depend on the order of rows, sums of doubles do.
        sum(cast(probability as decimal(18, 6))) as probability,
        count(probability) as forecast_customer_count
    from {{ ref('new_customer_playbook') }}
    group by
        source, situation, next_step, channel, offer, assumed_uplift, cost_per_contact, as_of_date

),

new_customer_situations as (

    select
        source,
        situation,
        next_step,
        channel,
        offer,
        customer_count,
        worth_contacting_count,
        case
            when forecast_customer_count >= {{ smallest }}
                then {{ to_decimal(
                    'cast(probability as double) / forecast_customer_count',
                    18, 6
                ) }}
        end as forecast_good_share,
        assumed_uplift,
        cost_per_contact,
        case
            when {{ may_be_told('worth_contacting_count', 'source', 'situation') }}
                then cast(expected_value as decimal(18, 4))
        end as expected_value,
        as_of_date
    from situations

)

select * from new_customer_situations
