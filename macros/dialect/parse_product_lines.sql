{#-
    JSON text to the products in it, a list of (product_id, quantity) in their order, or null where
    the text is not JSON of one of three shapes:

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
            when not json_valid({{ text }}) then null
            when json_type({{ text }}) = 'ARRAY'
                then json_transform({{ text }}, '[{"product": "VARCHAR", "qty": "VARCHAR"}]')
            when json_type({{ text }}) = 'OBJECT' and json_exists({{ text }}, '$.product')
                then [json_transform({{ text }}, '{"product": "VARCHAR", "qty": "VARCHAR"}')]
            when json_type({{ text }}) = 'OBJECT'
                then list_transform(
                    list_zip(json_keys({{ text }}), json_extract_string({{ text }}, '$.*')),
                    lambda pair: struct_pack(product := pair[1], qty := pair[2])
                )
            when json_type({{ text }}) = 'NULL' then []
        end,
        lambda line: struct_pack(
            -- An object in the place of a name arrives as its JSON text.
            product_id := case
                when not regexp_matches(line['product'], '^[{\[]')
                    then {{ canonical_id("line['product']") }}
            end,
            quantity := case
                when coalesce(trim(line['qty']), '') = '' then 1
                else {{ parse_integer("line['qty']") }}
            end
        )
    )
{%- endmacro %}

{% macro spark__parse_product_lines(text) -%}
    {#-
        The reader stops after the first value and takes single quotes by default, so the ends are
        looked at and quotes are switched off. A comma after the last element, which is no JSON and
        which DuckDB reads all the same, is not read here.
    #}
    {%- set strictly = "map('allowSingleQuotes', 'false')" -%}
    transform(
        case
            when {{ full_match(text, "\\s*null\\s*") }}
                then cast(array() as array<struct<product: string, qty: string>>)
            when {{ full_match(text, "(?s)\\s*\\[.*\\]\\s*") }}
                then transform(
                    from_json({{ text }}, 'array<string>', {{ strictly }}),
                    item -> named_struct(
                        'product', get_json_object(item, '$.product'),
                        'qty', get_json_object(item, '$.qty')
                    )
                )
            when not {{ full_match(text, "(?s)\\s*[{].*[}]\\s*") }} then null
            when map_contains_key(from_json({{ text }}, 'map<string, string>', {{ strictly }}), 'product')
                then array(named_struct(
                    'product', get_json_object({{ text }}, '$.product'),
                    'qty', get_json_object({{ text }}, '$.qty')
                ))
            else transform(
                map_entries(from_json({{ text }}, 'map<string, string>', {{ strictly }})),
                pair -> named_struct('product', pair.key, 'qty', pair.value)
            )
        end,
        line -> named_struct(
            'product_id', case
                when not line['product'] rlike r'^[{\[]'
                    then {{ canonical_id("line['product']") }}
            end,
            'quantity', case
                when coalesce(trim(line['qty']), '') = '' then 1
                else {{ parse_integer("line['qty']") }}
            end
        )
    )
{%- endmacro %}
