{#-
    An end of the 95 % interval of a share, from 0 to 1; null of nobody. After Wilson (1927),
    "Probable inference, the law of succession, and statistical inference".

    hits: how many are counted; total: of how many; end: lower or upper
-#}
{% macro rate_bound(hits, total, end) -%}
    cast(
        (
            {{ hits }} + 1.9207294
            {{ "-" if end == "lower" else "+" }} 1.959964 * sqrt(
                {{ hits }} * (1 - cast({{ hits }} as double) / nullif({{ total }}, 0)) + 0.9603647
            )
        ) / (nullif({{ total }}, 0) + 3.8414589) as decimal(18, 6)
    )
{%- endmacro %}
