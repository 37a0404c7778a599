{#- Stops the statement with one message, given as an expression. It is a value like any other. -#}
{% macro stop_with(message) -%}
    {{ return(adapter.dispatch('stop_with', 'clientele')(message)) }}
{%- endmacro %}

{% macro default__stop_with(message) -%}
    error({{ message }})
{%- endmacro %}

{% macro spark__stop_with(message) -%}
    raise_error({{ message }})
{%- endmacro %}

{#-
    A number from 0 to 9999 that depends on a salt and an id alone: the first 32 bits of an md5, so
    that every engine, and anybody with a pocket calculator, gives the same.
-#}
{% macro bucket(salt, id) -%}
    {{ return(adapter.dispatch('bucket', 'clientele')(salt, id)) }}
{%- endmacro %}

{% macro default__bucket(salt, id) -%}
    cast(('0x' || substr(md5({{ salt }} || ':' || {{ id }}), 1, 8))::ubigint % 10000 as integer)
{%- endmacro %}

{% macro spark__bucket(salt, id) -%}
    cast(
        cast(conv(substr(md5({{ salt }} || ':' || {{ id }}), 1, 8), 16, 10) as bigint) % 10000 as int
    )
{%- endmacro %}

{#- The parts of a text between separators, without blanks around them; null of null. -#}
{% macro split_text(text, separator) -%}
    {{ return(adapter.dispatch('split_text', 'clientele')(text, separator)) }}
{%- endmacro %}

{% macro default__split_text(text, separator) -%}
    list_transform(string_split({{ text }}, '{{ separator }}'), lambda part: trim(part))
{%- endmacro %}

{% macro spark__split_text(text, separator) -%}
    {#- It splits at a regular expression; a class of one character stands for that character. #}
    transform(split({{ text }}, '[{{ separator }}]'), part -> trim(part))
{%- endmacro %}

{#- A list of texts as doubles; a text that is no plain number is null in it. -#}
{% macro numbers_of(list) -%}
    {{ return(adapter.dispatch('numbers_of', 'clientele')(list)) }}
{%- endmacro %}

{% macro default__numbers_of(list) -%}
    list_transform(
        {{ list }},
        lambda part: case
            when regexp_full_match(part, '-?[0-9]{1,13}([.][0-9]{1,6})?') then cast(part as double)
        end
    )
{%- endmacro %}

{% macro spark__numbers_of(list) -%}
    transform(
        {{ list }},
        part -> case
            when {{ full_match("part", "-?[0-9]{1,13}([.][0-9]{1,6})?") }} then cast(part as double)
        end
    )
{%- endmacro %}

{#- True where a text is a day of the calendar, written as 2026-06-30. -#}
{% macro is_date_text(text) -%}
    {{ return(adapter.dispatch('is_date_text', 'clientele')(text)) }}
{%- endmacro %}

{% macro default__is_date_text(text) -%}
    {#- Four digits of a year: rules compare days as texts, and `infinity` is a date as well. #}
    coalesce(
        regexp_full_match({{ text }}, '[0-9]{4}-[0-9]{2}-[0-9]{2}')
        and try_cast({{ text }} as date) is not null,
        false
    )
{%- endmacro %}

{% macro spark__is_date_text(text) -%}
    (
        {{ full_match(text, "[0-9]{4}-[0-9]{2}-[0-9]{2}") }}
        and try_cast({{ text }} as date) is not null
    )
{%- endmacro %}

{#- The rows of a Parquet file. -#}
{% macro parquet_file(path) -%}
    {{ return(adapter.dispatch('parquet_file', 'clientele')(path)) }}
{%- endmacro %}

{% macro default__parquet_file(path) -%}
    read_parquet('{{ path }}')
{%- endmacro %}

{% macro spark__parquet_file(path) -%}
    parquet.`{{ path }}`
{%- endmacro %}
