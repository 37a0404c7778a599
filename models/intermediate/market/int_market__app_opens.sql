{%- set new_files = ref('stg_market__new_files') if model.resource_type != 'unit_test' -%}
-- The same client at the same second is one opening, however often it was delivered.
with int_market__app_opens as (

    select
        customer_key,
        'market' as source,
        opened_at
    from {{ ref('stg_market__app_open') }}
    where
        reject_reasons is null
        {%- if is_incremental() %}
        and source_file in (
            select files.source_file from {{ new_files }} as files
            where files.source_table = 'app_open'
        )
        {%- endif %}
    group by customer_key, opened_at

)

select * from int_market__app_opens
