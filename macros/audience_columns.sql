{#-
    The columns of campaign_candidates that rules of campaigns may name, each with its type (text,
    number, flag or date). A rule that names another is refused.
-#}
{% macro audience_columns() -%}
    {{ return({
        "source": "text",
        "lifecycle_stage": "text",
        "rfm_segment": "text",
        "segment_name": "text",
        "archetype": "text",
        "quality_status": "text",
        "quadrant_forecast": "text",
        "city": "text",
        "state": "text",
        "device_class": "text",
        "payment_type": "text",
        "favourite_category": "text",
        "segment_id": "number",
        "segment_margin": "number",
        "recency_score": "number",
        "frequency_score": "number",
        "monetary_score": "number",
        "quality_probability": "number",
        "quality_decile": "number",
        "clv_365": "number",
        "order_count": "number",
        "successful_order_count": "number",
        "cancelled_order_count": "number",
        "promo_order_count": "number",
        "successful_orders_365d": "number",
        "category_count": "number",
        "rating_count": "number",
        "skipped_rating_count": "number",
        "app_opens_7d": "number",
        "app_opens_30d": "number",
        "app_opens_90d": "number",
        "recency_days": "number",
        "tenure_days": "number",
        "expected_gap_days": "number",
        "overdue_ratio": "number",
        "basket_value": "number",
        "discount_amount": "number",
        "own_discount": "number",
        "net_revenue": "number",
        "cm1": "number",
        "cm2": "number",
        "net_revenue_365d": "number",
        "cm2_365d": "number",
        "average_order_value": "number",
        "promo_share": "number",
        "own_discount_share": "number",
        "cm2_rate": "number",
        "mean_rating": "number",
        "average_distance_km": "number",
        "is_overdue": "flag",
        "is_borderline": "flag",
        "first_order_date": "date",
        "last_order_date": "date",
    }) }}
{%- endmacro %}

{#- The operators that a column of each type takes. -#}
{% macro audience_operators() -%}
    {{ return({
        "text": ["is", "is_not", "in", "not_in", "is_known", "is_unknown"],
        "number": [
            "is", "is_not", "in", "not_in", "at_least", "at_most", "above", "below", "is_known",
            "is_unknown",
        ],
        "flag": ["is", "is_not", "is_known", "is_unknown"],
        "date": ["is", "is_not", "at_least", "at_most", "above", "below", "is_known", "is_unknown"],
    }) }}
{%- endmacro %}

{#- The most rules that one group of rules may have. -#}
{% macro audience_rule_places() -%}
    {{ return(8) }}
{%- endmacro %}
