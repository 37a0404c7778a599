{#- The columns of campaign_assignments with their types, in their order. -#}
{% macro assignment_columns() -%}
    {{ return({
        "source": "string",
        "campaign_id": "string",
        "campaign_version": "integer",
        "customer_key": "bigint",
        "customer_id": "string",
        "arm": "string",
        "bucket": "integer",
        "global_bucket": "integer",
        "measurement_days": "integer",
        "holdout_share": "decimal(9, 6)",
        "global_holdout_share": "decimal(9, 6)",
        "cost_per_contact": "decimal(18, 4)",
        "run_id": "string",
        "assigned_date": "date",
        "measurement_ends_on": "date",
    }) }}
{%- endmacro %}
