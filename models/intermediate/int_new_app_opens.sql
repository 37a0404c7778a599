-- A superset: what was delivered before is among it where it came again.
with int_new_app_opens as (

    {%- if 'market' in enabled_sources() %}
    select
        staged.customer_key,
        'market' as source,
        staged.opened_at
    from {{ ref('stg_market__app_open') }} as staged
    inner join {{ ref('stg_market__new_files') }} as files
        on
            files.source_table = 'app_open'
            and staged.source_file = files.source_file
    where staged.reject_reasons is null
    {%- else %}
    {{ no_rows('app_opens') }}
    {%- endif %}

)

select * from int_new_app_opens
