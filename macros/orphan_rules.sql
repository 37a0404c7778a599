{#-
    The rule of a row that belongs to another, as a line to its order: the other is there and
    accepted. A row that names none breaks another rule.
    id: the id of the other row, in canonical form
    found: a column of the row that was found for it, null where none was
-#}
{% macro orphan_rules(id, found) -%}
    {{ return([("orphan", id ~ " is not null and " ~ found ~ " is null")]) }}
{%- endmacro %}
