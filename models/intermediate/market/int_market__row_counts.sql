with landed as (

    select * from {{ ref('stg_market__landed_rows') }}

),

duplicates as (

    select
        source_table,
        count(*) as duplicate_count
    from {{ ref('int_market__duplicate_rows') }}
    group by source_table

),

open_repeats as (

    select count(*) as repeat_count
    from {{ ref('stg_market__app_open') }}
    where reject_reasons is null
    group by customer_id, opened_at_text

),

judged as (
    {% for table_name, entity in {
        'market_order': 'orders', 'product_detail': 'order_lines', 'promo_detail': 'order_promotions',
    }.items() %}
    select
        '{{ table_name }}' as source_table,
        (select count(*) from {{ ref('int_market__' ~ entity) }}) as accepted_count,
        count(*) as rejected_count
    from {{ ref('stg_market__' ~ table_name) }}
    where reject_reasons is not null

    union all
    {% endfor %}
    select
        'app_open' as source_table,
        (select count(*) from open_repeats) as accepted_count,
        count(*) as rejected_count
    from {{ ref('stg_market__app_open') }}
    where reject_reasons is not null

),

int_market__row_counts as (

    select
        'market' as source,
        landed.source_table,
        landed.landed_count,
        judged.accepted_count,
        judged.rejected_count,
        cast(case
            when landed.source_table = 'app_open'
                then (select coalesce(sum(open_repeats.repeat_count - 1), 0) from open_repeats)
            else coalesce(duplicates.duplicate_count, 0)
        end as bigint) as duplicate_count
    from landed
    inner join judged
        on landed.source_table = judged.source_table
    left join duplicates
        on landed.source_table = duplicates.source_table

)

select * from int_market__row_counts
