{#-
    Text of one of several formats to a timestamp, or null where it has none of them or is no real
    day. 2025-03-04 15:16:17, 2025-03-04, 20250304, 04/03/2025 and 04/03/2025 15:16 are read;
    slashes mean day first, by contract with the source, so no text has two readings. A day
    without a time is its midnight. A time with an offset from UTC is converted to the source's clock.
-#}
{% macro parse_mixed_timestamp(text, source_name=none) -%}
    {{ return(adapter.dispatch('parse_mixed_timestamp', 'clientele')(text, source_name)) }}
{%- endmacro %}

{% macro default__parse_mixed_timestamp(text, source_name) -%}
    coalesce(
        {{ parse_timestamp(text, source_name) }},
        case
            -- strptime alone would take days and months of one digit.
            when regexp_full_match(
                {{ text }},
                ' *([0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8}|[0-9]{2}/[0-9]{2}/[0-9]{4}( [0-9]{2}:[0-9]{2})?) *'
            )
                then try_strptime(
                    trim({{ text }}), ['%Y-%m-%d', '%Y%m%d', '%d/%m/%Y', '%d/%m/%Y %H:%M']
                )
        end
    )
{%- endmacro %}

{% macro spark__parse_mixed_timestamp(text, source_name) -%}
    coalesce(
        {{ parse_timestamp(text, source_name) }},
        -- Each format is written as the one that a cast reads.
        case
            when {{ full_match(text, " *[0-9]{4}-[0-9]{2}-[0-9]{2} *") }}
                then try_cast(trim({{ text }}) as timestamp)
            when {{ full_match(text, " *[0-9]{8} *") }}
                then try_cast(
                    regexp_replace(trim({{ text }}), '([0-9]{4})([0-9]{2})([0-9]{2})', '$1-$2-$3')
                    as timestamp
                )
            when {{ full_match(text, " *[0-9]{2}/[0-9]{2}/[0-9]{4}( [0-9]{2}:[0-9]{2})? *") }}
                then try_cast(
                    regexp_replace(
                        trim({{ text }}), '([0-9]{2})/([0-9]{2})/([0-9]{4})(.*)', '$3-$2-$1$4'
                    ) as timestamp
                )
        end
    )
{%- endmacro %}
