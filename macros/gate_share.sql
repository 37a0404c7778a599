{#-
    The share of what is usual, as an expression; null where what is usual is too little to tell a
    loss from chance.
    count: the expression of what there is
    usual: the expression of what is usual
-#}
{% macro gate_share(count, usual) -%}
    {{ return("case when " ~ usual ~ " >= " ~ number_var("gate_least_usual_rows") ~ " then coalesce(" ~ count ~ ", 0) / cast(" ~ usual ~ " as double) end") }}
{%- endmacro %}
