with source as (

    select * from {{ source('olist', 'olist_sellers_dataset') }}

),

typed as (

    select
        *,
        {{ canonical_id('seller_id') }} as canonical_seller_id,
        nullif(trim(seller_zip_code_prefix), '') as zip_prefix,
        {{ canonical_id('seller_city') }} as city,
        nullif(upper(trim(seller_state)), '') as state
    from source

),

stg_olist__sellers as (

    select
        canonical_seller_id as seller_id,
        zip_prefix,
        city,
        state,
        {{ origin() }},
        {{ reject_reasons(dict(
            md5_rules('seller_id', 'canonical_seller_id')
            + [
                ('seller_zip_code_prefix_not_5_digits',
                    'zip_prefix is not null and not ' ~ full_match('zip_prefix', '[0-9]{5}')),
                ('seller_state_not_2_letters',
                    'state is not null and not ' ~ full_match('state', '[A-Z]{2}')),
            ]
        )) }} as reject_reasons,
        case when reject_reasons is not null then {{ raw_row([
            'seller_id', 'seller_zip_code_prefix', 'seller_city', 'seller_state'
        ]) }} end as raw_row
    from typed

)

select * from stg_olist__sellers
