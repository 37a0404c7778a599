-- What is accepted is counted where it arrives, so that a row lost on the way shows; the tables
-- that only lend columns are counted by their distinct keys.
{%- set arrivals = {
    'olist_orders_dataset': ('int_olist__orders', 'count(*)'),
    'olist_order_items_dataset': ('int_olist__order_lines', 'count(*)'),
    'olist_order_reviews_dataset': ('int_olist__ratings', 'count(*)'),
    'olist_order_payments_dataset': ('int_olist__order_payments', 'sum(payment_count)'),
    'olist_geolocation_dataset': ('int_olist__zip_locations', 'sum(point_count)'),
} %}
{%- set lenders = {
    'olist_customers_dataset': 'order_customer_id',
    'olist_products_dataset': 'product_id',
    'olist_sellers_dataset': 'seller_id',
    'product_category_name_translation': 'category_name',
} %}
with landed as (

    select * from {{ ref('stg_olist__landed_rows') }}

),

duplicates as (

    select
        source_table,
        count(*) as duplicate_count
    from {{ ref('int_olist__duplicate_rows') }}
    group by source_table

),

rejected as (

    select
        source_table,
        count(*) as rejected_count
    from {{ ref('int_olist__rejected_rows') }}
    group by source_table

),

accepted as (
    {% for table_name, (relation, counted) in arrivals.items() %}
    select
        '{{ table_name }}' as source_table,
        {{ counted }} as accepted_count
    from {{ ref(relation) }}

    union all
    {% endfor %}
    {%- for table_name, key in lenders.items() %}
    select
        '{{ table_name }}' as source_table,
        count(distinct {{ key }}) as accepted_count
    from {{ ref('stg_olist__' ~ table_name | replace('olist_', '') | replace('_dataset', '')) }}
    where reject_reasons is null
    {{ "union all" if not loop.last }}
    {% endfor %}
),

int_olist__row_counts as (

    select
        'olist' as source,
        landed.source_table,
        landed.landed_count,
        cast(coalesce(accepted.accepted_count, 0) as bigint) as accepted_count,
        coalesce(rejected.rejected_count, 0) as rejected_count,
        coalesce(duplicates.duplicate_count, 0) as duplicate_count
    from landed
    left join accepted
        on landed.source_table = accepted.source_table
    left join rejected
        on landed.source_table = rejected.source_table
    left join duplicates
        on landed.source_table = duplicates.source_table

)

select * from int_olist__row_counts
