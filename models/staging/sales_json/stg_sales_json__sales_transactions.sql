with source as (

    select * from {{ source('sales_json', 'sales_transactions') }}

),

typed as (

    select
        *,
        {{ canonical_id('transaction_id') }} as canonical_transaction_id,
        {{ parse_mixed_timestamp('payment_date', 'sales_json') }} as paid_at,
        {{ parse_decimal('total_amt') }} as basket_value,
        {{ parse_decimal('paid_amt') }} as paid_amount,
        {{ parse_decimal('discount') }} as discount_amount,
        {{ parse_product_lines('product_json') }} as product_lines
    from source

),

stg_sales_json__sales_transactions as (

    select
        {{ hash_key(["'sales_json'", "canonical_transaction_id"]) }} as order_key,
        canonical_transaction_id as order_id,
        {{ canonical_id('member_id') }} as customer_id,
        case when member_id <> customer_id then member_id end as written_customer_id,
        {{ canonical_id('channel') }} as sales_channel,
        {{ canonical_id('service_centre') }} as service_centre,
        trim(product_json) as product_json,
        product_lines,
        {{ origin() }},
        {{ reject_reasons(dict(
            [
                ('transaction_id_missing', 'canonical_transaction_id is null'),
                ('payment_date_missing', missing('payment_date', 'paid_at')),
                ('total_amt_missing', missing('total_amt', 'basket_value')),
            ]
            + time_rules('payment_date', 'paid_at')
            + excluded_period_rules('paid_at', 'sales_json_excluded_periods')
            + amount_rules('total_amt', 'basket_value')
            + amount_rules('paid_amt', 'paid_amount')
            + amount_rules('discount', 'discount_amount')
            + product_line_rules('product_json', 'product_lines')
        )) }} as reject_reasons,
        case when reject_reasons is not null then {{ raw_row([
            'transaction_id', 'member_id', 'payment_date', 'total_amt', 'paid_amt', 'discount',
            'product_json', 'channel', 'service_centre'
        ]) }} end as raw_row,
        cast({{ sum_elements('product_lines', "element['quantity']") }} as bigint) as item_count,
        basket_value,
        paid_amount,
        discount_amount,
        paid_at
    from typed

)

select * from stg_sales_json__sales_transactions
