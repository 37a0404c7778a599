{#-
    JSON text to the products in it, a list of (line_number, product_id, quantity) by position, or
    null where the text is not JSON of one of three shapes:

        [{"product": "tyre", "qty": 2}, ...]     a list, which may be empty
        {"product": "tyre", "qty": 2}            one line; an object with the key product is one
        {"tyre": 2, ...}                         products and their quantities

    A quantity may be text and is 1 where it is missing. A product that is not there and a quantity
    that is no whole number are null in their line; the JSON value null has no products.
-#}
{% macro parse_product_lines(text) -%}
    {{ return(adapter.dispatch('parse_product_lines', 'clientele')(text)) }}
{%- endmacro %}

{% macro default__parse_product_lines(text) -%}
    list_transform(
        case
            when json_valid({{ text }}) and json_type({{ text }}) = 'ARRAY'
                then json_transform({{ text }}, '[{"product": "VARCHAR", "qty": "VARCHAR"}]')
            when json_valid({{ text }}) and json_type({{ text }}) = 'OBJECT'
                then case
                    when json_exists({{ text }}, '$.product')
                        then [json_transform({{ text }}, '{"product": "VARCHAR", "qty": "VARCHAR"}')]
                    else list_transform(
                        list_zip(json_keys({{ text }}), json_extract_string({{ text }}, '$.*')),
                        lambda pair: struct_pack(product := pair[1], qty := pair[2])
                    )
                end
            when json_valid({{ text }}) and json_type({{ text }}) = 'NULL'
                then []
        end,
        lambda line, position: struct_pack(
            line_number := cast(position as integer),
            -- An object in the place of a name arrives as its JSON text.
            product_id := case
                when not regexp_matches(line.product, '^[{\[]') then {{ canonical_id('line.product') }}
            end,
            quantity := case
                when coalesce(trim(line.qty), '') = '' then 1
                else {{ parse_integer('line.qty') }}
            end
        )
    )
{%- endmacro %}
