with counted as (

    {{ row_counts(
        'market',
        landed=ref('stg_market__landed_rows'),
        rejected=ref('int_market__rejected_rows'),
        duplicates=ref('int_market__duplicate_rows'),
        accepted={
            'market_order': (ref('int_market__orders'), 'count(*)'),
            'product_detail': (ref('int_market__order_lines'), 'count(*)'),
            'promo_detail': (ref('int_market__order_promotions'), 'count(*)'),
            'app_open': (ref('int_market__app_opens'), 'count(*)'),
        },
    ) }}

),

app_opens as (

    select count(*) as app_open_count from {{ ref('stg_market__app_open') }}
    where reject_reasons is null

),

int_market__row_counts as (

    select
        counted.source,
        counted.source_table,
        counted.landed_count,
        counted.accepted_count,
        counted.rejected_count,
        -- App opens are made distinct where they arrive: listing 22 million rows twice to name the
        -- few that repeat would cost more than all else about them.
        case
            when counted.source_table = 'app_open'
                then app_opens.app_open_count - counted.accepted_count
            else counted.duplicate_count
        end as duplicate_count
    from counted
    cross join app_opens

)

select * from int_market__row_counts
