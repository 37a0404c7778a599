{#-
    The means of a shop's customers that stand in for what is not known of one of them: columns of
    a select that groups customers by shop.
    customers: the alias of a relation with the columns of the single view and predicted_quality
-#}
{% macro shop_mean_columns(customers) -%}
    sum({{ customers }}.rating_sum) / nullif(sum({{ customers }}.rating_count), 0) as mean_rating,
        {{ mean_of_decimals(customers ~ '.average_distance_km') }} as mean_distance_km,
        {{ mean_of_decimals(customers ~ '.cm2_rate') }} as mean_cm2_rate,
        {{ to_decimal(
            mean_of_decimals('cast(' ~ customers ~ '.predicted_quality as decimal(18, 6))'), 18, 6
        ) }} as mean_predicted_quality
{%- endmacro %}
