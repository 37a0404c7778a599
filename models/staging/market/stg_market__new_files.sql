{%- set tables = ['market_order', 'product_detail', 'promo_detail', 'app_open'] -%}
-- In a full build every file is new, and nobody asks.
with arrived as (
    {%- for table_name in tables %}
    select
        '{{ table_name }}' as source_table,
        {{ origin() }}
    from {{ landed('market', table_name, is_increment()) }}
    {%- if not is_increment() %}
    where false
    {%- endif %}
    {{ "union all" if not loop.last }}
    {%- endfor %}
),

stg_market__new_files as (

    select distinct
        source_table,
        source_file
    from arrived

)

select * from stg_market__new_files
