{%- set themes = quality_themes() -%}
{%- set features = quality_feature_names() -%}
with features as (
    {% for theme, members in themes.items() %}
    {%- set theme_number = loop.index0 -%}
    {%- set is_last_theme = loop.last -%}
    {%- for feature in members %}
    select
        '{{ feature }}' as feature,
        {{ features.index(feature) + 1 }} as feature_number,
        '{{ theme }}' as theme,
        {{ theme_number }} as theme_number
    {{ "union all" if not (loop.last and is_last_theme) }}
    {%- endfor %}
    {%- endfor %}

),

-- A theme without words still says what it is about.
quality_feature_themes as (

    select
        features.feature,
        features.theme,
        coalesce(words.above_words, replace(features.theme, '_', ' ') || ' above usual')
            as above_words,
        coalesce(words.below_words, replace(features.theme, '_', ' ') || ' below usual')
            as below_words,
        features.feature_number,
        features.theme_number
    from features
    left join {{ ref('quality_reasons') }} as words
        on features.theme = words.theme

)

select * from quality_feature_themes
