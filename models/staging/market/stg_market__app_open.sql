with source as (

    select * from {{ source('market', 'app_open') }}

),

typed as (

    select
        *,
        {{ canonical_id('client_id') }} as customer_id,
        {{ parse_timestamp('appopendate') }} as opened_at
    from source

),

stg_market__app_open as (

    select
        customer_id,
        -- Kept as text, which sorts like the time: a filter on it reads far less of the file than
        -- one on the parsed time, and the text must therefore have the exact format.
        appopendate as opened_at_text,
        {{ origin() }},
        {{ reject_reasons(dict(
            [
                ('client_id_missing', 'customer_id is null'),
                ('appopendate_missing', "case when length(appopendate) = 19 then false"
                    ~ " else coalesce(trim(appopendate), '') = '' end"),
                ('appopendate_not_a_time', "case when length(appopendate) = 19 then opened_at is null"
                    ~ " else coalesce(trim(appopendate), '') <> '' end"),
                ('appopendate_implausible', "length(appopendate) = 19 and (appopendate < '"
                    ~ date_var('earliest_date') ~ "' or appopendate > '"
                    ~ date_var('latest_date') ~ " 23:59:59')"),
            ]
        )) }} as reject_reasons,
        case when reject_reasons is not null then {{ raw_row([
            'client_id', 'appopendate'
        ]) }} end as raw_row,
        opened_at
    from typed

)

select * from stg_market__app_open
