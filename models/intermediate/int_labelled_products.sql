with int_labelled_products as (

    select
        products.product_key,
        products.category,
        products.is_merchandise,
        margins.margin_rate
    from {{ ref('int_products') }} as products
    left join {{ ref('int_product_margins') }} as margins
        on products.product_key = margins.product_key

)

select * from int_labelled_products
