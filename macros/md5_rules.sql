{#-
    The rules of an id that is an md5 in hex: there, and of that form, so that a column of another
    kind under its header is caught.
    column: the raw column, as the reasons name it
    value: the id in canonical form
-#}
{% macro md5_rules(column, value) -%}
    {{ return([
        (column ~ "_missing", value ~ " is null"),
        (
            column ~ "_malformed",
            value ~ " is not null and not " ~ full_match(value, "[0-9a-f]{32}"),
        ),
    ]) }}
{%- endmacro %}
