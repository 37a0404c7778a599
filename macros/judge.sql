{#-
    Judging of landed rows: conditions that break a contract, and the reasons column they give.
-#}

{#- True where a non-blank text could not be read as its type. -#}
{% macro unreadable(text, value) -%}
    case when {{ value }} is null and {{ text }} is not null then trim({{ text }}) <> '' else false end
{%- endmacro %}

{#- True where nothing was given; value: what was read from the text, null where it was not. -#}
{% macro missing(text, value) -%}
    case when {{ value }} is null then coalesce(trim({{ text }}), '') = '' else false end
{%- endmacro %}

{#- True where a time lies outside the plausible range of the vars earliest_date and latest_date. -#}
{% macro implausible_time(value) -%}
    coalesce(
        {{ value }} < timestamp '{{ date_var("earliest_date") }} 00:00:00'
        or {{ value }} > timestamp '{{ date_var("latest_date") }} 23:59:59',
        false
    )
{%- endmacro %}

{#-
    The reasons that apply to a row as text, joined by ';', or null where none does.
    reasons: a mapping of reason to the condition that is true where it applies.
    The reasons are put together only for rows that have one, which are few.
-#}
{% macro findings(reasons) -%}
    case
        when {% for condition in reasons.values() %}{{ "or " if not loop.first }}({{ condition }})
        {% endfor %}
            then concat_ws(
                ';'
                {%- for reason, condition in reasons.items() %},
                case when {{ condition }} then '{{ reason }}' end
                {%- endfor %}
            )
    end
{%- endmacro %}

{#-
    The reasons of a rejected row as text, joined by ';', or null for an accepted row. A record that
    intake could not take apart keeps the reasons that it gave and gets no others: its columns are
    null because they could not be read, and not because they are missing.
    reasons: a mapping of reason to the condition that is true where the row breaks the contract.
-#}
{% macro reject_reasons(reasons) -%}
    coalesce(_reject_reasons, {{ findings(reasons) }})
{%- endmacro %}

{#- The rules of an amount of money or a distance: readable, not negative, not absurd. -#}
{% macro amount_rules(column, value) -%}
    {{ return([
        (column ~ "_not_a_number", unreadable(column, value)),
        (column ~ "_negative", "coalesce(" ~ value ~ " < 0, false)"),
        (column ~ "_absurd", "coalesce(" ~ value ~ " > " ~ number_var("largest_amount") ~ ", false)"),
    ]) }}
{%- endmacro %}

{#- The rules of a time: readable and within the plausible range. -#}
{% macro time_rules(column, value) -%}
    {{ return([
        (column ~ "_not_a_time", unreadable(column, value)),
        (column ~ "_implausible", implausible_time(value)),
    ]) }}
{%- endmacro %}

{#- The rule of periods that are left out; periods: the name of a var that periods_var reads. -#}
{% macro excluded_period_rules(value, periods) -%}
    {%- set inside = [] -%}
    {%- for period in periods_var(periods) -%}
        {%- do inside.append(
            value ~ " between timestamp '" ~ period[0] ~ " 00:00:00' and timestamp '"
            ~ period[1] ~ " 23:59:59'"
        ) -%}
    {%- endfor -%}
    {{ return([("excluded_period", "coalesce(" ~ inside | join(" or ") ~ ", false)")] if inside else []) }}
{%- endmacro %}
