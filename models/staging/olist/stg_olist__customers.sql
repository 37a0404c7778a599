with source as (

    select * from {{ source('olist', 'olist_customers_dataset') }}

),

typed as (

    select
        *,
        {{ canonical_id('customer_id') }} as canonical_customer_id,
        {{ canonical_id('customer_unique_id') }} as canonical_customer_unique_id,
        nullif(trim(customer_zip_code_prefix), '') as zip_prefix,
        {{ canonical_id('customer_city') }} as city,
        nullif(upper(trim(customer_state)), '') as state
    from source

),

stg_olist__customers as (

    select
        canonical_customer_id as order_customer_id,
        canonical_customer_unique_id as customer_id,
        case when customer_unique_id <> canonical_customer_unique_id then customer_unique_id end
            as written_customer_id,
        zip_prefix,
        city,
        state,
        {{ origin() }},
        {{ reject_reasons(dict(
            md5_rules('customer_id', 'canonical_customer_id')
            + md5_rules('customer_unique_id', 'canonical_customer_unique_id')
            + [
                ('customer_zip_code_prefix_not_5_digits',
                    'zip_prefix is not null and not ' ~ full_match('zip_prefix', '[0-9]{5}')),
                ('customer_state_not_2_letters',
                    'state is not null and not ' ~ full_match('state', '[A-Z]{2}')),
            ]
        )) }} as reject_reasons,
        case when reject_reasons is not null then {{ raw_row([
            'customer_id', 'customer_unique_id', 'customer_zip_code_prefix', 'customer_city',
            'customer_state'
        ]) }} end as raw_row
    from typed

)

select * from stg_olist__customers
