-- Buyers of each product by the segment that they are in today.
with segment_purchases as (

    select
        members.source,
        members.segment_id,
        purchases.product_key,
        count(*) as buyer_count
    from {{ ref('window_purchases') }} as purchases
    inner join {{ ref('recommendation_windows') }} as windows
        on
            purchases.window_number = windows.window_number
            and windows.window_name = 'current'
    inner join {{ ref('customer_segments') }} as members
        on purchases.customer_key = members.customer_key
    group by members.source, members.segment_id, purchases.product_key

)

select * from segment_purchases
