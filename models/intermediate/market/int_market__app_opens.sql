{%- set staged = ref('stg_market__app_open') -%}
{%- set new_opens = ref('int_new_app_opens') if model.resource_type != 'unit_test' -%}
-- The same client at the same second is one opening, however often it was delivered.
with int_market__app_opens as (

    select
        customer_key,
        'market' as source,
        opened_at
    {%- if is_incremental() %}
    from {{ new_opens }}
    where source = 'market'
    {%- else %}
    from {{ staged }}
    where reject_reasons is null
    {%- endif %}
    group by customer_key, opened_at

)

select * from int_market__app_opens
