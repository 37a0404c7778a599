with source as (

    select * from {{ source('sales_json', 'sales_transactions') }}

),

typed as (

    select
        *,
        {{ canonical_id('transaction_id') }} as canonical_transaction_id,
        {{ parse_mixed_timestamp('payment_date') }} as paid_at,
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
            + [('excluded_period',
                in_periods('paid_at', periods_var('sales_json_excluded_periods')))]
            + amount_rules('total_amt', 'basket_value')
            + amount_rules('paid_amt', 'paid_amount')
            + amount_rules('discount', 'discount_amount')
            + [
                ('product_json_broken', unreadable('product_json', 'product_lines')),
                ('product_json_product_missing',
                    any_element('product_lines', "element['product_id'] is null")),
                ('product_json_qty_not_an_integer',
                    any_element('product_lines', "element['quantity'] is null")),
                ('product_json_qty_not_positive',
                    any_element('product_lines', "element['quantity'] <= 0")),
                ('product_json_qty_absurd', any_element('product_lines',
                    "element['quantity'] > " ~ number_var('largest_quantity'))),
            ]
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
