{#-
    The rules of products that were read from JSON: readable, each with a name and a whole number
    of pieces, more than none and not absurd.
    column: the raw column, as the reasons name it
    lines: the products as parse_product_lines gives them
-#}
{% macro product_line_rules(column, lines) -%}
    {{ return([
        (column ~ "_broken", unreadable(column, lines)),
        (column ~ "_product_missing", any_element(lines, "element['product_id'] is null")),
        (column ~ "_qty_not_an_integer", any_element(lines, "element['quantity'] is null")),
        (column ~ "_qty_not_positive", any_element(lines, "element['quantity'] <= 0")),
        (
            column ~ "_qty_absurd",
            any_element(lines, "element['quantity'] > " ~ number_var("largest_quantity")),
        ),
    ]) }}
{%- endmacro %}
