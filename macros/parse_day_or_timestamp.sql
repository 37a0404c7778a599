{#-
    Text of a day (2026-06-30) or of a time (2026-06-30 10:00:00) to a timestamp, or null where it is
    neither; a day is its midnight. Other formats have two readings and are not guessed.
-#}
{% macro parse_day_or_timestamp(text, source_name=none) -%}
    coalesce({{ parse_timestamp(text, source_name) }}, {{ parse_timestamp("(trim(" ~ text ~ ") || ' 00:00:00')") }})
{%- endmacro %}
