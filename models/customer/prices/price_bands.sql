-- One row a distinct price: what follows costs by prices, not by customers.
with prices as (

    select
        source,
        average_item_price,
        count(*) as customer_count
    from {{ ref('customer_item_prices') }}
    group by source, average_item_price

),

ranked as (

    select
        *,
        sum(customer_count) over (
            partition by source
            order by average_item_price
        ) as up_to_count,
        sum(customer_count) over (partition by source) as source_count
    from prices

),

-- Fifths by mid-rank, in whole numbers: customers who pay alike are never parted.
banded as (

    select
        *,
        least(
            5,
            1 + floor(5 * (2 * up_to_count - customer_count) / (2 * source_count))
        ) as price_band_number
    from ranked

),

bounds as (

    select
        source,
        cast(price_band_number as integer) as price_band_number,
        cast(sum(customer_count) as bigint) as customer_count,
        min(average_item_price) as lower_price,
        max(average_item_price) as upper_price
    from banded
    group by source, price_band_number

),

placed as (

    select
        *,
        price_band_number = min(price_band_number) over (partition by source) as is_lowest,
        price_band_number = max(price_band_number) over (partition by source) as is_highest
    from bounds

),

price_bands as (

    select
        source,
        price_band_number,
        cast(
            case
                when lower_price = upper_price then cast(upper_price as string)
                when is_lowest then 'up to ' || cast(upper_price as string)
                when is_highest then cast(lower_price as string) || ' or more'
                else cast(lower_price as string) || ' to ' || cast(upper_price as string)
            end as string
        ) as price_band,
        customer_count,
        lower_price,
        upper_price
    from placed

)

select * from price_bands
