-- What is served without looking at a customer's own purchases: the list of each group, and
-- that of all customers, which also fills up the others.
with lists as (

    select distinct
        windows.source,
        members.customer_group as list_name
    from {{ ref('window_groups') }} as members
    inner join {{ ref('recommendation_windows') }} as windows
        on members.window_number = windows.window_number
    where members.is_current
    union all
    select
        source,
        'all customers' as list_name
    from {{ ref('recommendation_windows') }}
    where window_name = 'current'

),

products as (

    select * from {{ ref('window_products') }}
    where
        is_current
        and is_recommendable

),

ranked as (

    select
        lists.source,
        lists.list_name,
        products.product_number,
        group_products.product_number is not null as is_of_group,
        coalesce(group_products.buyer_count, products.buyer_count) as buyer_count,
        row_number() over (
            partition by lists.source, lists.list_name
            order by
                coalesce(group_products.group_rank, {{ 2 ** 31 - 1 }}) asc,
                products.product_number asc
        ) as recommendation_rank
    from lists
    inner join products
        on lists.source = products.source
    left join {{ ref('window_group_products') }} as group_products
        on
            products.window_number = group_products.window_number
            and products.product_number = group_products.product_number
            and lists.list_name = group_products.customer_group

),

recommendation_lists as (

    select
        source,
        cast(list_name as string) as list_name,
        cast(
            case when is_of_group then 'segment_popularity' else 'global_popularity' end as string
        ) as popularity_method,
        cast(recommendation_rank as integer) as recommendation_rank,
        product_number,
        buyer_count,
        round(ln(buyer_count + 0.5), 6) as score
    from ranked
    where recommendation_rank <= {{ number_var('recommended_products') }}

)

select * from recommendation_lists
