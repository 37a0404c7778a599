-- Numbers of products are places in the order of popularity: they are the columns of the matrices
-- and the last word in every tie, since they depend on nothing but what was bought.
{%- set most_products = 5000 %}

with bought as (

    select
        product_key,
        window_number,
        count(*) as buyer_count
    from {{ ref('window_purchases') }}
    group by product_key, window_number

),

buyers as (

    select
        window_number,
        count(*) as customer_count
    from (
        select distinct
            customer_key,
            window_number
        from {{ ref('window_purchases') }}
    ) as customers
    group by window_number

),

-- However an id is written, and however often: it takes one row to exclude a product.
exclusions as (

    select distinct
        {{ canonical_id('source') }} as source,
        {{ canonical_id('product_id') }} as product_id
    from {{ ref('recommendation_exclusions') }}

),

numbered as (

    select
        bought.*,
        products.source,
        products.product_id,
        products.category,
        row_number() over (
            partition by bought.window_number
            order by bought.buyer_count desc, products.product_id asc
        ) as product_number
    from bought
    inner join {{ ref('dim_products') }} as products
        on bought.product_key = products.product_key

),

window_products as (

    select
        numbered.product_key,
        numbered.source,
        numbered.product_id,
        numbered.category,
        numbered.window_number,
        cast(numbered.product_number as integer) as product_number,
        numbered.buyer_count,
        buyers.customer_count,
        exclusions.product_id is null as is_recommendable,
        windows.window_name = 'current' as is_current
    from numbered
    inner join buyers
        on numbered.window_number = buyers.window_number
    inner join {{ ref('recommendation_windows') }} as windows
        on numbered.window_number = windows.window_number
    left join exclusions
        on
            numbered.source = exclusions.source
            and numbered.product_id = exclusions.product_id
    where numbered.product_number <= {{ most_products }}

)

select * from window_products
