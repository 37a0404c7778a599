{#- Why somebody is not contacted: the reasons in the order in which the first one is told. -#}

{#- Reasons that people or systems put on a list; `other` is any word that is not one of them. -#}
{% macro listed_reasons() -%}
    {{ return([
        "no_consent", "unsubscribed", "bounced", "complained", "erased", "staff", "test", "fraud",
        "open_complaint", "other",
    ]) }}
{%- endmacro %}

{#- All reasons, the listed ones before those that the orders tell of. -#}
{% macro suppression_reasons() -%}
    {{ return(listed_reasons() + ["recent_order", "undelivered_order", "low_rating"]) }}
{%- endmacro %}

{#- The listed reason that a text names; whatever else it says, or if it is blank, `other`. -#}
{% macro listed_reason(text) -%}
    case
        when {{ canonical_id(text) }} in ('{{ listed_reasons() | join("', '") }}')
            then {{ canonical_id(text) }}
        else 'other'
    end
{%- endmacro %}
