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
                then {{ "candidates." ~ column if type == 'text' else "cast(candidates." ~ column ~ " as varchar)" }}
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
    True where a rule holds, false where it does not or is not known to.
    rule: the prefix of the columns of the rule and of the customer's value
-#}
{% macro rule_holds(rule) -%}
    coalesce(
            case {{ rule }}_operator
                when 'is' then {{ rule }}_text_value = {{ rule }}_text or {{ rule }}_number_value = {{ rule }}_number
                when 'is_not' then {{ rule }}_text_value <> {{ rule }}_text or {{ rule }}_number_value <> {{ rule }}_number
                when 'in'
                    then array_contains({{ rule }}_texts, {{ rule }}_text_value)
                        or array_contains({{ rule }}_numbers, {{ rule }}_number_value)
                when 'not_in'
                    then not array_contains({{ rule }}_texts, {{ rule }}_text_value)
                        or not array_contains({{ rule }}_numbers, {{ rule }}_number_value)
                when 'at_least' then {{ rule }}_text_value >= {{ rule }}_text or {{ rule }}_number_value >= {{ rule }}_number
                when 'at_most' then {{ rule }}_text_value <= {{ rule }}_text or {{ rule }}_number_value <= {{ rule }}_number
                when 'above' then {{ rule }}_text_value > {{ rule }}_text or {{ rule }}_number_value > {{ rule }}_number
                when 'below' then {{ rule }}_text_value < {{ rule }}_text or {{ rule }}_number_value < {{ rule }}_number
                when 'is_known' then {{ rule }}_text_value is not null or {{ rule }}_number_value is not null
                when 'is_unknown' then {{ rule }}_text_value is null and {{ rule }}_number_value is null
            end,
            {{ rule }}_column is null
        )
{%- endmacro %}

{#- A rule that holds, in words: the column, the customer's value, and what the rule asks for. -#}
{% macro rule_words(rule) -%}
    {{ rule }}_column || ' is ' || coalesce(
            {{ rule }}_text_value,
            case
                when {{ rule }}_number_value = floor({{ rule }}_number_value)
                    then cast(cast({{ rule }}_number_value as bigint) as varchar)
                else cast(round({{ rule }}_number_value, 4) as varchar)
            end,
            'not known'
        ) || {{ rule }}_asks
{%- endmacro %}
