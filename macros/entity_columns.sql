{#-
    The columns of an entity that every source maps itself to, as name: type, in the order in which
    int_<entity> has them. What each means stands in models/intermediate/int_<entity>.yml, whose
    contract refuses a name or a type that differs from it.
    entity: the part of int_<source>__<entity> after the two underscores.
-#}
{% macro entity_columns(entity) -%}
    {%- set entities = {
        "orders": {
            "order_key": "bigint",
            "customer_key": "bigint",
            "source": "string",
            "order_id": "string",
            "customer_id": "string",
            "order_status": "string",
            "city": "string",
            "state": "string",
            "payment_type": "string",
            "sales_channel": "string",
            "device_class": "string",
            "warehouse_id": "string",
            "distance_km": "decimal(18, 4)",
            "basket_value": "decimal(18, 4)",
            "delivery_fee": "decimal(18, 4)",
            "discount_amount": "decimal(18, 4)",
            "supplier_support": "decimal(18, 4)",
            "third_party_support": "decimal(18, 4)",
            "charged_amount": "decimal(18, 4)",
            "refund_amount": "decimal(18, 4)",
            "marketing_cost": "decimal(18, 4)",
            "is_cancelled_until_delivery": "boolean",
            "basket_created_at": "timestamp",
            "ordered_at": "timestamp",
            "delivered_at": "timestamp",
        },
        "order_lines": {
            "order_key": "bigint",
            "product_key": "bigint",
            "source": "string",
            "line_number": "integer",
            "quantity": "integer",
            "unit_price": "decimal(18, 4)",
        },
        "order_promotions": {
            "order_key": "bigint",
            "source": "string",
            "promo_id": "string",
            "department_id": "string",
            "promo_objective": "string",
        },
        "ratings": {
            "order_key": "bigint",
            "source": "string",
            "rating_id": "string",
            "rating_reason": "string",
            "rating": "integer",
            "is_skipped": "boolean",
            "rated_at": "timestamp",
        },
        "app_opens": {
            "customer_key": "bigint",
            "source": "string",
            "opened_at": "timestamp",
        },
        "customers": {
            "customer_key": "bigint",
            "source": "string",
            "customer_id": "string",
            "first_seen_at": "timestamp",
        },
        "customer_spellings": {
            "customer_key": "bigint",
            "source": "string",
            "spelling_count": "integer",
        },
        "products": {
            "product_key": "bigint",
            "source": "string",
            "product_id": "string",
            "category": "string",
            "subcategory": "string",
            "brand": "string",
        },
        "rejected_rows": {
            "source": "string",
            "source_table": "string",
            "source_file": "string",
            "source_record": "bigint",
            "reject_reasons": "string",
            "raw_row": "string",
        },
        "duplicate_rows": {
            "source": "string",
            "source_table": "string",
            "source_file": "string",
            "source_record": "bigint",
        },
        "row_counts": {
            "source": "string",
            "source_table": "string",
            "landed_count": "bigint",
            "accepted_count": "bigint",
            "rejected_count": "bigint",
            "duplicate_count": "bigint",
        },
    } -%}
    {%- if entity not in entities -%}
        {{ exceptions.raise_compiler_error("an entity is one of " ~ entities.keys() | join(", ") ~ ", not " ~ entity) }}
    {%- endif -%}
    {{ return(entities[entity]) }}
{%- endmacro %}
