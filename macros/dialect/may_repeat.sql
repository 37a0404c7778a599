{#-
    An aggregate that is true where a group may hold a number twice, and false only where its
    numbers are surely all different: each sets one bit of a word, and as many bits are set as there
    are rows. Numbers 60 apart share a bit, and so do a number and its negative: where it is true,
    look closer. It keeps one word a group, however many rows that has.
    number: an expression of whole numbers; a null may be a repeat
-#}
{% macro may_repeat(number) -%}
    {{ return(adapter.dispatch('may_repeat', 'clientele')(number)) }}
{%- endmacro %}

{% macro default__may_repeat(number) -%}
    coalesce(bit_count(bit_or(cast(1 as bigint) << abs({{ number }} % 60))), 0) < count(*)
{%- endmacro %}

{% macro spark__may_repeat(number) -%}
    coalesce(bit_count(bit_or(shiftleft(cast(1 as bigint), abs({{ number }} % 60)))), 0) < count(*)
{%- endmacro %}
