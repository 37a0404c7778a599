{#-
    The stage that a customer or prospect is in on a date, the first that fits.
    customers: the alias of a relation with successful_order_count, recency_days, tenure_days and
    overdue_ratio as of the date
-#}
{% macro lifecycle_stage(customers) -%}
    case
            when {{ customers }}.successful_order_count = 0 then 'prospect'
            when {{ customers }}.recency_days >= 365 then 'dormant'
            when {{ customers }}.overdue_ratio >= {{ number_var('overdue_at') }} then 'overdue'
            when {{ customers }}.successful_order_count = 1 and {{ customers }}.tenure_days <= 30
                then 'new'
            else 'active'
        end
{%- endmacro %}
