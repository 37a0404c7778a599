{#-
    An id as it was written, where that is not its canonical form; null otherwise, which almost
    every row is. Staging keeps it, so that ids that are one only in their canonical form are found.
    text: the raw id
    canonical: the column with its canonical form
-#}
{% macro written_id(text, canonical) -%}
    case when {{ text }} <> {{ canonical }} then {{ text }} end
{%- endmacro %}
