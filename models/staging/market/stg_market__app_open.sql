with source as (

    select * from {{ landed('market', 'app_open') }}

),

typed as (

    select
        *,
        {{ canonical_id('client_id') }} as customer_id,
        {{ parse_timestamp('appopendate', 'market') }} as opened_at
    from source

),

stg_market__app_open as (

    select
        -- The key and not the id: a table of numbers costs less to keep than to judge again.
        case when customer_id is not null then {{ hash_key(["'market'", "customer_id"]) }} end
            as customer_key,
        case when client_id <> customer_id then client_id end as written_customer_id,
        {{ origin() }},
        {{ reject_reasons(dict(
            [
                ('client_id_missing', 'customer_id is null'),
                ('appopendate_missing', missing('appopendate', 'opened_at')),
            ]
            + time_rules('appopendate', 'opened_at')
        )) }} as reject_reasons,
        case when reject_reasons is not null then {{ raw_row([
            'client_id', 'appopendate'
        ]) }} end as raw_row,
        opened_at
    from typed

)

select * from stg_market__app_open
