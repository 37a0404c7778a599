{#-
    An integer key of what a row holds and not of what it is called, so that renamed customers are
    sampled and sorted alike; rows alike in all columns share it.
    columns: the columns that count, in a fixed order
-#}
{% macro content_key(columns) -%}
    {%- set texts = [] -%}
    {%- for column in columns -%}
    {%- do texts.append("coalesce(cast(" ~ column ~ " as string), '')") -%}
    {%- endfor -%}
    {#- One call for all: a chain of || writes the text anew at each of them. #}
    {{ return(hash_key(["concat_ws(':', " ~ texts | join(", ") ~ ")"])) }}
{%- endmacro %}
