{#-
    The value of the column that a rule names, as text (numbers: null) or as a double (all other
    types: null). Dates are text as 2026-06-30, whose order is the order of days. A rule is a value
    that is looked up, so no text of the seed ever becomes SQL.
    rule: the prefix of the rule's columns
-#}
{% macro rule_text_value(rule) -%}
    case {{ rule }}_column
            {%- for column, type in audience_columns().items() if type != 'number' %}
            when '{{ column }}'
                then {{ "candidates." ~ column if type == 'text' else "cast(candidates." ~ column ~ " as string)" }}
            {%- endfor %}
        end
{%- endmacro %}

{% macro rule_number_value(rule) -%}
    case {{ rule }}_column
            {%- for column, type in audience_columns().items() if type == 'number' %}
            when '{{ column }}' then cast(candidates.{{ column }} as double)
            {%- endfor %}
        end
{%- endmacro %}

{#-
    True where a rule holds, false where it does not or is not known to; where a group has no rule
    in a place, the place holds.
    rule: the prefix of the columns of the rule and of the customer's value
-#}
{% macro rule_holds(rule) -%}
    case
            when {{ rule }}_column is null then true
            {%- for type in ["number", "text"] %}
            {%- set value = rule ~ "_" ~ type ~ "_value" %}
            {%- set wanted = rule ~ "_" ~ type %}
            {{ "when " ~ rule ~ "_type = 'number' then" if loop.first else "else" }}
                coalesce(
                    case {{ rule }}_operator
                        when 'is' then {{ value }} = {{ wanted }}
                        when 'is_not' then {{ value }} <> {{ wanted }}
                        when 'at_least' then {{ value }} >= {{ wanted }}
                        when 'at_most' then {{ value }} <= {{ wanted }}
                        when 'above' then {{ value }} > {{ wanted }}
                        when 'below' then {{ value }} < {{ wanted }}
                        when 'in' then array_contains({{ wanted }}s, {{ value }})
                        when 'not_in' then not array_contains({{ wanted }}s, {{ value }})
                        when 'is_known' then {{ value }} is not null
                        when 'is_unknown' then {{ value }} is null
                    end,
                    false
                )
            {%- endfor %}
        end
{%- endmacro %}

{#- A rule that holds, in words: the column, the customer's value, and what the rule asks for. -#}
{% macro rule_words(rule) -%}
    {{ rule }}_column || ' is ' || coalesce(
            {{ rule }}_text_value,
            case
                when {{ rule }}_number_value = floor({{ rule }}_number_value)
                    then cast(cast({{ rule }}_number_value as bigint) as string)
                else {{ number_text(rule ~ '_number_value', 4) }}
            end,
            'not known'
        ) || {{ rule }}_asks
{%- endmacro %}
