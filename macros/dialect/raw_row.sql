{#-
    The named raw columns of a landed row as one JSON object, every value as the text it was. Of a
    record that intake could not take apart there are no columns, only its text.
-#}
{% macro raw_row(columns) -%}
    {{ return(adapter.dispatch('raw_row', 'clientele')(columns)) }}
{%- endmacro %}

{% macro default__raw_row(columns) -%}
    cast(
        case
            when _reject_reasons is not null then json_object('_raw_text', _raw_text)
            else json_object({% for column in columns %}'{{ column }}', "{{ column }}"{{ ", " if not loop.last }}{% endfor %})
        end as string
    )
{%- endmacro %}

{% macro spark__raw_row(columns) -%}
    to_json(
        case
            when _reject_reasons is not null then map('_raw_text', cast(_raw_text as string))
            else map({% for column in columns %}'{{ column }}', cast(`{{ column }}` as string){{ ", " if not loop.last }}{% endfor %})
        end,
        map('ignoreNullFields', 'false')
    )
{%- endmacro %}
