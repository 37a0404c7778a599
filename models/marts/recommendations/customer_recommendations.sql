with products as (

    select * from {{ ref('window_products') }}
    where is_current

),

customers as (

    select
        customer_key,
        source,
        customer_id,
        as_of_date
    from {{ ref('customer_single_view') }}
    where is_customer

),

-- Who bought nothing of late gets the list of the group, or that of all customers.
others as (

    select
        customers.*,
        coalesce(members.customer_group, 'all customers') as list_name
    from customers
    inner join {{ ref('recommendation_status') }} as status
        on customers.source = status.source
    left join {{ ref('window_groups') }} as members
        on
            customers.customer_key = members.customer_key
            and members.is_current
            and status.list_method = 'segment_popularity'
    left join {{ ref('personal_recommendations') }} as own
        on
            customers.customer_key = own.customer_key
            and own.recommendation_rank = 1
    where own.customer_key is null

),

lists as (

    select
        lists.*,
        products.product_key,
        products.product_id,
        products.category,
        case lists.popularity_method
            when 'segment_popularity'
                then
                    'bought by ' || lists.buyer_count || ' customers of the group '
                    || lists.list_name
            else 'bought by ' || lists.buyer_count || ' customers'
        end as recommendation_reason
    from {{ ref('recommendation_lists') }} as lists
    inner join products
        on
            lists.source = products.source
            and lists.product_number = products.product_number

),

personal as (

    select
        customers.customer_key,
        customers.source,
        customers.customer_id,
        products.product_key,
        products.product_id,
        products.category,
        own.method,
        case
            when own.reason_product_number = own.product_number
                then 'bought before, on ' || own.reason_date
            when own.reason_product_number is not null
                then
                    'more often than by chance with ' || bought.product_id
                    || ', which you bought on '
                    || own.reason_date
            -- Products without a category count as one, which has no name to give.
            when
                own.method = 'category_affinity'
                and own.category_item_count > 0
                and products.category is not null
                then
                    'much bought in ' || products.category || ', like ' || own.category_item_count
                    || case when own.category_item_count = 1 then ' product' else ' products' end
                    || ' that you bought of late'
            else 'bought by ' || products.buyer_count || ' customers'
        end as recommendation_reason,
        own.recommendation_rank,
        own.score,
        customers.as_of_date
    from {{ ref('personal_recommendations') }} as own
    inner join customers
        on own.customer_key = customers.customer_key
    inner join products
        on
            own.source = products.source
            and own.product_number = products.product_number
    left join products as bought
        on
            own.source = bought.source
            and own.reason_product_number = bought.product_number

),

customer_recommendations as (

    select * from personal
    union all
    select
        others.customer_key,
        others.source,
        others.customer_id,
        lists.product_key,
        lists.product_id,
        lists.category,
        lists.popularity_method,
        lists.recommendation_reason,
        lists.recommendation_rank,
        lists.score,
        others.as_of_date
    from others
    inner join lists
        on
            others.source = lists.source
            and others.list_name = lists.list_name

)

select * from customer_recommendations
