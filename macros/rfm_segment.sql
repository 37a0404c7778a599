{#-
    The rule segment of a buyer: the first rule that matches, so that every combination of scores
    has exactly one. Arguments are SQL expressions: scores from 1 (worst) to 5 (best) and whether
    the customer's first order is at most 30 days old.
-#}
{% macro rfm_segment(recency_score, frequency_score, monetary_score, is_new) -%}
    case
        when {{ recency_score }} >= 4 and {{ frequency_score }} >= 4 and {{ monetary_score }} >= 4 then 'champions'
        when {{ frequency_score }} = 1 and {{ is_new }} then 'new'
        when {{ recency_score }} >= 3 and {{ frequency_score }} >= 3 then 'loyal'
        when {{ recency_score }} <= 2 and {{ frequency_score }} >= 4 and {{ monetary_score }} >= 4 then 'cant_lose'
        when {{ recency_score }} <= 2 and {{ frequency_score }} >= 3 then 'at_risk'
        when {{ recency_score }} >= 3 and {{ frequency_score }} = 2 then 'promising'
        when {{ frequency_score }} = 1 and {{ monetary_score }} >= 4 and {{ recency_score }} >= 3 then 'big_first_basket'
        when {{ frequency_score }} = 1 and {{ recency_score }} >= 3 then 'one_timer_recent'
        when {{ recency_score }} = 2 then 'slipping'
        else 'lost'
    end
{%- endmacro %}
