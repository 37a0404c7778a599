with personal_recommendations as (

    select
        customer_key,
        cast(source as string) as source,
        method,
        recommendation_rank,
        product_number,
        reason_product_number,
        category_item_count,
        score,
        reason_date
    from {{ ref('recommendation_scores') }}

)

select * from personal_recommendations
