{#-
    What a reason can be about, in the order in which equal reasons rank: a mapping of theme to the
    features that speak of it. Features that mean something only together, or that move so much
    together that one's effect alone means little, are one theme. Each theme has its words in the
    seed quality_reasons, above or below the usual by its first feature.
-#}
{% macro quality_themes() -%}
    {%- set together = {
        "basket": ["basket_value", "line_count", "item_count"],
        "discount": ["discount_share", "own_discount_share", "has_promo"],
        "hour": ["hour_sin", "hour_cos"],
        "weekday": ["weekday_sin", "weekday_cos"],
        "device": ["is_ios", "is_android", "is_web"],
    } -%}
    {%- set theme_of = {} -%}
    {%- for theme, features in together.items() -%}
        {%- for feature in features -%}{%- do theme_of.update({feature: theme}) -%}{%- endfor -%}
    {%- endfor -%}
    {%- set themes = {} -%}
    {%- for feature in quality_feature_names() -%}
        {%- set theme = theme_of.get(feature, feature) -%}
        {%- do themes.update({theme: themes.get(theme, []) + [feature]}) -%}
    {%- endfor -%}
    {{ return(themes) }}
{%- endmacro %}
