{#-
    What is known of a new customer at the decision, in the order in which the model sees it. They
    are columns of customer_quality_features.
-#}
{% macro quality_feature_names() -%}
    {{ return([
        "basket_value", "line_count", "item_count", "category_count", "discount_share",
        "own_discount_share", "has_promo", "promo_objective_good_rate", "delivery_fee",
        "distance_km", "hour_sin", "hour_cos", "weekday_sin", "weekday_cos", "is_ios",
        "is_android", "is_web", "city_size", "city_good_rate", "rating", "has_rating",
        "delivery_hours", "app_opens_before", "app_opens_since", "basket_cm2_rate",
    ]) }}
{%- endmacro %}
