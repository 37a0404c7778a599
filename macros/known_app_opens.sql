{#- The first month of which a source has sent app opens, one row a source. -#}
{% macro first_app_opens() -%}
    select
        source,
        min(calendar_month) as first_open_month
    from {{ ref('customer_app_open_months') }}
    group by source
{%- endmacro %}

{#-
    App opens of a customer up to an as-of date; null and not zero, where their source had sent none at
    all by then, which says nothing about them.
    days: 7, 30 or 90
    customers: the alias of rows with an as_of_date
    first_opens: the alias of first_app_opens, joined by source
    windows: the alias of customer_app_open_windows, joined by customer and as-of number
-#}
{% macro known_app_opens(days, customers, first_opens="first_opens", windows="windows") -%}
    case
            when {{ first_opens }}.first_open_month <= {{ customers }}.as_of_date
                then coalesce({{ windows }}.app_opens_{{ days }}d, 0)
        end
{%- endmacro %}
