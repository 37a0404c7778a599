{#- The columns of campaign_assignments with their types, in their order. -#}
{% macro assignment_columns() -%}
    {{ return({
        "source": "varchar",
        "campaign_id": "varchar",
        "campaign_version": "integer",
        "customer_key": "bigint",
        "customer_id": "varchar",
        "arm": "varchar",
        "bucket": "integer",
        "global_bucket": "integer",
        "measurement_days": "integer",
        "holdout_share": "decimal(9, 6)",
        "global_holdout_share": "decimal(9, 6)",
        "cost_per_contact": "decimal(18, 4)",
        "run_id": "varchar",
        "assigned_date": "date",
        "measurement_ends_on": "date",
    }) }}
{%- endmacro %}
