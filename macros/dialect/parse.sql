{#-
    Text to a typed value, or null where the text is not exactly such a value. The format is
    checked, because casts invent numbers: '10.5' as an integer is 11, '0x10' is 16, '1e3' is 1000.
    Blanks around a value are allowed. A value that prints as the text it came from needs no
    further check; that spares the regular expression, which costs several times the cast.
-#}

{% macro parse_decimal(text) -%}
    {{ return(adapter.dispatch('parse_decimal', 'clientele')(text)) }}
{%- endmacro %}

{% macro default__parse_decimal(text) -%}
    case
        when cast(try_cast({{ text }} as decimal(15, 2)) as varchar) = {{ text }}
            then try_cast({{ text }} as decimal(18, 4))
        when regexp_full_match({{ text }}, ' *-?[0-9]{1,13}([.][0-9]{1,4})? *')
            then try_cast({{ text }} as decimal(18, 4))
    end
{%- endmacro %}

{% macro spark__parse_decimal(text) -%}
    case
        when {{ full_match(text, " *-?[0-9]{1,13}([.][0-9]{1,4})? *") }}
            then try_cast({{ text }} as decimal(18, 4))
    end
{%- endmacro %}

{% macro parse_integer(text) -%}
    {{ return(adapter.dispatch('parse_integer', 'clientele')(text)) }}
{%- endmacro %}

{% macro default__parse_integer(text) -%}
    case
        when cast(try_cast({{ text }} as integer) as varchar) = {{ text }}
            then try_cast({{ text }} as integer)
        when regexp_full_match({{ text }}, ' *-?[0-9]{1,9} *')
            then try_cast({{ text }} as integer)
    end
{%- endmacro %}

{% macro spark__parse_integer(text) -%}
    case
        when cast(try_cast({{ text }} as integer) as string) = {{ text }}
            then try_cast({{ text }} as integer)
        when {{ full_match(text, " *-?[0-9]{1,9} *") }}
            then try_cast({{ text }} as integer)
    end
{%- endmacro %}

{#-
    A time as YYYY-MM-DD HH:MM:SS, told by the clock of its source. One that states its offset from
    UTC (2026-06-30T10:00:00+02:00, 2026-06-30 08:00:00Z) is converted to that clock, to the second.
    source_name: the source, whose zone stands in the var `time_zones`
-#}
{% macro parse_timestamp(text, source_name=none) -%}
    {{ return(adapter.dispatch('parse_timestamp', 'clientele')(text, source_name)) }}
{%- endmacro %}

{% macro default__parse_timestamp(text, source_name) -%}
    case
        when
            length({{ text }}) = 19
            and cast(try_cast({{ text }} as timestamp) as varchar) = {{ text }}
            then try_cast({{ text }} as timestamp)
        when
            regexp_full_match(
                {{ text }},
                ' *[0-9]{4}-[0-9]{2}-[0-9]{2} ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9] *'
            )
            then try_cast(trim({{ text }}) as timestamp)
        when
            regexp_full_match(
                {{ text }},
                ' *[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]'
                || '([.][0-9]{1,6})?(Z|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?) *'
            )
            then timezone(
                '{{ time_zone_of(source_name) }}',
                date_trunc('second', try_cast(trim({{ text }}) as timestamp with time zone))
            )
    end
{%- endmacro %}

{% macro spark__parse_timestamp(text, source_name) -%}
    {#- The session's zone is UTC. An offset is read as +02:00 alone: others are written like that. #}
    case
        when
            {{ full_match(
                text,
                " *[0-9]{4}-[0-9]{2}-[0-9]{2} ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9] *"
            ) }}
            then try_cast(trim({{ text }}) as timestamp)
        when
            {{ full_match(
                text,
                " *[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
                ~ "([.][0-9]{1,6})?(Z|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?) *"
            ) }}
            then from_utc_timestamp(
                date_trunc(
                    'second',
                    try_cast(
                        regexp_replace(
                            regexp_replace(trim({{ text }}), '([+-][0-9]{2})$', '$1:00'),
                            '([+-][0-9]{2})([0-9]{2})$',
                            '$1:$2'
                        ) as timestamp
                    )
                ),
                '{{ time_zone_of(source_name) }}'
            )
    end
{%- endmacro %}
