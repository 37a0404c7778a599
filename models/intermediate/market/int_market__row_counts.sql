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

judged as (
    {% for table_name, entity in {
        'market_order': 'orders', 'product_detail': 'order_lines', 'promo_detail': 'order_promotions',
        'app_open': 'app_opens',
    }.items() %}
    select
        '{{ table_name }}' as source_table,
        (select count(*) from {{ ref('int_market__' ~ entity) }}) as arrived_count,
        count(*) filter (where reject_reasons is null) as accepted_count,
        count(*) filter (where reject_reasons is not null) as rejected_count
    from {{ ref('stg_market__' ~ table_name) }}
    {{ "union all" if not loop.last }}
    {% endfor %}
),

int_market__row_counts as (

    select
        'market' as source,
        landed.source_table,
        landed.landed_count,
        judged.arrived_count as accepted_count,
        judged.rejected_count,
        -- App opens are made distinct where they arrive: listing 22 million rows twice to name the
        -- few that repeat would cost more than all else about them.
        cast(case
            when landed.source_table = 'app_open'
                then judged.accepted_count - judged.arrived_count
            else coalesce(duplicates.duplicate_count, 0)
        end as bigint) as duplicate_count
    from landed
    inner join judged
        on landed.source_table = judged.source_table
    left join duplicates
        on landed.source_table = duplicates.source_table

)

select * from int_market__row_counts
