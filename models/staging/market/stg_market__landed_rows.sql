with stg_market__landed_rows as (
    {% for table_name in ['market_order', 'product_detail', 'promo_detail', 'app_open'] %}
    select
        '{{ table_name }}' as source_table,
        count(*) as landed_count
    from {{ source('market', table_name) }}
    {{ "union all" if not loop.last }}
    {% endfor %}
)

select * from stg_market__landed_rows
