with oddities as (

    select * from {{ ref('order_oddities') }}

),

checks as (

    select check_name
    from {{ ref('data_quality_checks') }}
    where check_grain = 'order'

),

judged as (

    select
        oddities.*,
        checks.check_name as finding,
        case checks.check_name
            {%- for finding in order_finding_names() %}
            when '{{ finding }}' then oddities.{{ finding }}_amount
            {%- endfor %}
        end as amount_at_risk
    from oddities
    cross join checks

),

order_findings as (

    select
        order_key,
        customer_key,
        source,
        order_id,
        finding,
        case finding
            when 'charge_gap'
                then
                    'charged ' || {{ two_decimals('charged_amount') }}
                    || ' where basket, delivery fee and discount make '
                    || {{ two_decimals('expected_charge') }}
            when 'delivered_before_ordered'
                then
                    'delivered at ' || cast(delivered_at as string)
                    || ' and ordered at ' || cast(ordered_at as string)
            when 'ordered_before_basket'
                then
                    'ordered at ' || cast(ordered_at as string)
                    || ' and the basket begun at ' || cast(basket_created_at as string)
            when 'late_delivery'
                then
                    'delivered '
                    || cast({{ days_between('order_date', 'delivered_date') }} as string)
                    || ' days after the day of the order'
            when 'cancelled_but_delivered'
                then 'cancelled, but delivered at ' || cast(delivered_at as string)
            when 'no_lines'
                then 'basket of ' || {{ two_decimals('basket_value') }} || ' without a line'
            when 'lines_differ_from_basket'
                then
                    'lines worth ' || {{ two_decimals('lines_value') }} || ' in a basket of '
                    || {{ two_decimals('basket_value') }}
            when 'lines_without_basket_value'
                then 'lines worth ' || {{ two_decimals('lines_value') }} || ' in a basket of 0'
            when 'refund_above_basket'
                then
                    'refund of ' || {{ two_decimals('refund_amount') }} || ' for a basket of '
                    || {{ two_decimals('basket_value') }}
            when 'discount_above_basket'
                then
                    'discount of ' || {{ two_decimals('discount_amount') }} || ' on a basket of '
                    || {{ two_decimals('basket_value') }}
            when 'support_above_discount'
                then
                    'support of ' || {{ two_decimals('support_amount') }} || ' for a discount of '
                    || {{ two_decimals('discount_amount') }}
            when 'negative_cm2'
                then 'a cm2 of ' || {{ two_decimals('cm2') }}
            when 'missing_customer'
                then 'nobody knows whose order it is, of ' || {{ two_decimals('basket_value') }}
            when 'rated_before_ordered'
                then
                    'rated at ' || cast(rated_at as string)
                    || ' and ordered at ' || cast(ordered_at as string)
            when 'after_plausible_last_day'
                then
                    'ordered on ' || cast(order_date as string)
                    || ', after the last plausible day ' || cast(plausible_last_date as string)
        end as finding_text,
        amount_at_risk,
        order_date
    from judged
    where amount_at_risk is not null

)

select * from order_findings
