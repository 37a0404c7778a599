{#-
    The features of k-means (feature_names), as columns of a select. They are rounded to six
    decimals: sums of decimals do not depend on the order of rows.
    customers: the alias of a relation with the columns of the single view and predicted_quality
    shops: the alias of a relation with the columns of shop_mean_columns
-#}
{% macro feature_columns(customers, shops) -%}
    {{ log_feature(customers ~ '.recency_days') }} as recency,
        {{ log_feature(customers ~ '.successful_order_count') }} as frequency,
        {{ log_feature(customers ~ '.average_order_value') }} as average_order_value,
        cast({{ customers }}.promo_share as decimal(18, 6)) as promo_share,
        cast(coalesce({{ customers }}.own_discount_share, 0) as decimal(18, 6))
            as own_discount_share,
        cast(
            (
                coalesce({{ customers }}.rating_sum, 0)
                + {{ number_var('rating_prior_count') }} * {{ shops }}.mean_rating
            )
            / ({{ customers }}.rating_count + {{ number_var('rating_prior_count') }})
            as decimal(18, 6)
        ) as rating,
        {{ log_feature(customers ~ '.app_opens_30d') }} as app_opens_30d,
        {{ log_feature(customers ~ '.app_opens_90d') }} as app_opens_90d,
        cast(coalesce({{ customers }}.cm2_rate, {{ shops }}.mean_cm2_rate) as decimal(18, 6))
            as cm2_rate,
        -- Unknown distances are taken to be the shop's mean: they pull no one anywhere.
        cast(
            coalesce({{ customers }}.average_distance_km, {{ shops }}.mean_distance_km)
            as decimal(18, 6)
        ) as distance,
        cast({{ customers }}.category_count as decimal(18, 6)) as category_breadth,
        -- Customers who are not yet judged are taken to be the shop's mean.
        cast(
            coalesce({{ customers }}.predicted_quality, {{ shops }}.mean_predicted_quality)
            as decimal(18, 6)
        ) as predicted_quality
{%- endmacro %}
