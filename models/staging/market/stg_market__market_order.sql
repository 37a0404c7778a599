with source as (

    select * from {{ landed('market', 'market_order') }}

),

typed as (

    select
        *,
        {{ canonical_id('order_id') }} as canonical_order_id,
        {{ canonical_id('client_id') }} as canonical_client_id,
        {{ parse_decimal('distance') }} as distance_km,
        {{ parse_decimal('aandm') }} as marketing_cost,
        {{ parse_decimal('basketvalue') }} as basket_value,
        {{ parse_decimal('chargedamount') }} as charged_amount,
        {{ parse_decimal('deliveryfee') }} as delivery_fee,
        {{ parse_decimal('discountamount') }} as discount_amount,
        {{ parse_decimal('suppliersupport') }} as supplier_support,
        {{ parse_decimal('thirdpartysupport') }} as third_party_support,
        {{ parse_integer('rating') }} as rating_value,
        {{ parse_timestamp('createdate', 'market') }} as basket_created_at,
        {{ parse_timestamp('checkoutdate', 'market') }} as ordered_at,
        {{ parse_timestamp('deliverdate', 'market') }} as delivered_at,
        {{ parse_timestamp('ratedate', 'market') }} as rated_at
    from source

),

stg_market__market_order as (

    select
        {{ hash_key(["'market'", "canonical_order_id"]) }} as order_key,
        canonical_order_id as order_id,
        canonical_client_id as customer_id,
        case when client_id <> canonical_client_id then client_id end as written_customer_id,
        {{ canonical_id('city_id') }} as city,
        devicename as device_name,
        warehouse_id,
        ratereason as rating_reason,
        {{ origin() }},
        {{ reject_reasons(dict(
            [
                ('order_id_missing', 'canonical_order_id is null'),
                ('client_id_missing', 'canonical_client_id is null'),
                ('createdate_missing', missing('createdate', 'basket_created_at')),
                ('basketvalue_missing', missing('basketvalue', 'basket_value')),
            ]
            + amount_rules('distance', 'distance_km')
            + amount_rules('aandm', 'marketing_cost')
            + amount_rules('basketvalue', 'basket_value')
            + amount_rules('chargedamount', 'charged_amount')
            + amount_rules('deliveryfee', 'delivery_fee')
            + amount_rules('discountamount', 'discount_amount')
            + amount_rules('suppliersupport', 'supplier_support')
            + amount_rules('thirdpartysupport', 'third_party_support')
            + time_rules('createdate', 'basket_created_at')
            + time_rules('checkoutdate', 'ordered_at')
            + time_rules('deliverdate', 'delivered_at')
            + time_rules('ratedate', 'rated_at')
            + [
                ('rating_not_1_to_5', unreadable('rating', 'rating_value')
                    ~ ' or coalesce(rating_value not between 1 and 5, false)'),
            ]
        )) }} as reject_reasons,
        case when reject_reasons is not null then {{ raw_row([
            'client_id', 'order_id', 'checkoutdate', 'createdate', 'city_id', 'devicename',
            'addressname', 'distance', 'aandm', 'basketvalue', 'chargedamount', 'deliveryfee',
            'discountamount', 'suppliersupport', 'thirdpartysupport', 'ratedate',
            'rateisskipped', 'rating', 'ratereason', 'deliverdate', 'warehouse_id', 'hex_id'
        ]) }} end as raw_row,
        rating_value as rating,
        distance_km,
        marketing_cost,
        basket_value,
        charged_amount,
        delivery_fee,
        discount_amount,
        supplier_support,
        third_party_support,
        coalesce(lower(trim(rateisskipped)) in ('1', 'true'), false) as is_rating_skipped,
        basket_created_at,
        ordered_at,
        delivered_at,
        rated_at
    from typed

)

select * from stg_market__market_order
