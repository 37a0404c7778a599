with source as (

    select * from {{ source('online_retail', 'online_retail') }}

),

typed as (

    select
        *,
        {{ canonical_id('invoiceno') }} as order_id,
        {{ canonical_id('stockcode') }} as product_id,
        {{ canonical_id('customerid') }} as customer_id,
        {{ parse_integer('quantity') }} as signed_quantity,
        {{ parse_decimal('unitprice') }} as unit_price,
        {{ parse_timestamp('invoicedate', 'online_retail') }} as invoiced_at
    from source

),

recognised as (

    select
        *,
        coalesce(order_id like 'c%', false) as is_cancellation,
        case when lower(trim(country)) not in ('', 'unspecified') then trim(country) end
            as known_country
    from typed

),

stg_online_retail__online_retail as (

    select
        {{ hash_key(["'online_retail'", "order_id"]) }} as order_key,
        order_id,
        product_id,
        customer_id,
        case when customerid <> customer_id then customerid end as written_customer_id,
        known_country as country,
        {{ origin() }},
        {{ reject_reasons(dict(
            [
                ('invoiceno_missing', 'order_id is null'),
                ('bad_debt', "coalesce(order_id like 'a%', false)"),
                ('invoiceno_malformed',
                    'order_id is not null and not ' ~ full_match('order_id', '[ac]?[0-9]{6}')),
                ('stockcode_missing', 'product_id is null'),
                ('customerid_not_5_digits',
                    'customer_id is not null and not ' ~ full_match('customer_id', '[0-9]{5}')),
                ('quantity_missing', missing('quantity', 'signed_quantity')),
                ('quantity_not_an_integer', unreadable('quantity', 'signed_quantity')),
                ('quantity_zero', 'coalesce(signed_quantity = 0, false)'),
                ('quantity_negative',
                    'coalesce(signed_quantity < 0 and not is_cancellation, false)'),
                ('cancelled_quantity_positive',
                    'coalesce(signed_quantity > 0 and is_cancellation, false)'),
                ('quantity_absurd', 'coalesce(abs(signed_quantity) > '
                    ~ number_var('largest_quantity') ~ ', false)'),
                ('unitprice_missing', missing('unitprice', 'unit_price')),
                ('invoicedate_missing', missing('invoicedate', 'invoiced_at')),
            ]
            + amount_rules('unitprice', 'unit_price')
            + time_rules('invoicedate', 'invoiced_at')
        )) }} as reject_reasons,
        case when reject_reasons is not null then {{ raw_row([
            'InvoiceNo', 'StockCode', 'Description', 'Quantity', 'InvoiceDate', 'UnitPrice',
            'CustomerID', 'Country'
        ]) }} end as raw_row,
        case when is_cancellation then -signed_quantity else signed_quantity end as quantity,
        unit_price,
        is_cancellation,
        invoiced_at
    from recognised

)

select * from stg_online_retail__online_retail
