{#- The findings about one order; each is a check of the seed data_quality_checks, too. -#}
{% macro order_finding_names() -%}
    {{ return([
        "charge_gap", "delivered_before_ordered", "ordered_before_basket", "late_delivery",
        "cancelled_but_delivered", "no_lines", "lines_differ_from_basket",
        "lines_without_basket_value", "refund_above_basket", "discount_above_basket",
        "support_above_discount", "negative_cm2", "missing_customer", "rated_before_ordered",
        "after_plausible_last_day"
    ]) }}
{%- endmacro %}
