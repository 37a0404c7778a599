{#-
    The features of k-means, in their order of preference: of two that move together the later
    one goes. They are columns of customer_features.
-#}
{% macro feature_names() -%}
    {{ return([
        "recency", "frequency", "average_order_value", "promo_share", "own_discount_share", "rating",
        "app_opens_90d", "app_opens_30d", "cm2_rate", "distance", "category_breadth",
        "predicted_quality",
    ]) }}
{%- endmacro %}
