{#-
    The bands of deliveries by what is banded, from low to high: each with the limit that it stays
    below (kilometres; hours from the order to the delivery), none for the last, and its name.
-#}
{% macro delivery_bands() -%}
    {{ return({
        "distance": [
            (1, "under 1 km"), (2, "1 to 2 km"), (5, "2 to 5 km"), (10, "5 to 10 km"),
            (20, "10 to 20 km"), (50, "20 to 50 km"), (200, "50 to 200 km"),
            (500, "200 to 500 km"), (none, "500 km or more"),
        ],
        "delay": [
            (1, "under 1 hour"), (2, "1 to 2 hours"), (6, "2 to 6 hours"), (24, "6 to 24 hours"),
            (72, "1 to 3 days"), (168, "3 to 7 days"), (336, "7 to 14 days"),
            (720, "14 to 30 days"), (none, "30 days or more"),
        ],
    }) }}
{%- endmacro %}
