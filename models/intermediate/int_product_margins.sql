with int_product_margins as (

    select
        products.product_key,
        margin_rates.margin_rate
    from {{ ref('int_products') }} as products
    inner join {{ ref('margin_rates') }} as margin_rates
        on
            products.source = margin_rates.source
            and products.category = margin_rates.category

)

select * from int_product_margins
