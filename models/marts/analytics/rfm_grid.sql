-- The rules tell monetary scores of 4 and 5 from those below, and no more.
with bands as (

    {%- for band, lowest, highest in [('all', 1, 5), ('high', 4, 5), ('lower', 1, 3)] %}
    select
        '{{ band }}' as monetary_band,
        {{ lowest }} as lowest_score,
        {{ highest }} as highest_score
    {{ "union all" if not loop.last }}
    {%- endfor %}

),

-- What a cell is called at the lowest and at the highest monetary score of its band.
cells as (

    select
        bands.monetary_band,
        bands.lowest_score,
        bands.highest_score,
        rules.recency_score,
        rules.frequency_score,
        max(playbook.segment_name) filter (where rules.monetary_score = bands.highest_score)
            as highest_name,
        max(playbook.segment_name) filter (where rules.monetary_score = bands.lowest_score)
            as lowest_name
    from {{ ref('rfm_cells') }} as rules
    inner join {{ ref('rule_segment_playbook') }} as playbook
        on rules.rfm_segment = playbook.rule_segment
    inner join bands
        on rules.monetary_score in (bands.lowest_score, bands.highest_score)
    where not rules.is_new
    group by
        bands.monetary_band, bands.lowest_score, bands.highest_score, rules.recency_score,
        rules.frequency_score

),

-- One row a combination of scores: what follows costs nothing.
scored as (

    select
        source,
        recency_score,
        frequency_score,
        monetary_score,
        count(*) as customer_count,
        sum(net_revenue_365d) as net_revenue
    from {{ ref('customer_rfm') }}
    where rfm_segment is not null
    group by source, recency_score, frequency_score, monetary_score

),

totals as (

    select
        source,
        sum(customer_count) as customer_count,
        sum(net_revenue) as net_revenue
    from scored
    group by source

),

counted as (

    select
        status.source,
        cells.monetary_band,
        cells.recency_score,
        cells.frequency_score,
        case
            when cells.highest_name = cells.lowest_name then cells.lowest_name
            else cells.highest_name || ' / ' || cells.lowest_name
        end as segment_names,
        coalesce(sum(scored.customer_count), 0) as customer_count,
        sum(scored.net_revenue) as net_revenue,
        status.as_of_date
    from {{ ref('rfm_status') }} as status
    cross join cells
    left join scored
        on
            status.source = scored.source
            and cells.recency_score = scored.recency_score
            and cells.frequency_score = scored.frequency_score
            and scored.monetary_score between cells.lowest_score and cells.highest_score
    where status.rfm_status = 'scored'
    group by
        status.source, cells.monetary_band, cells.recency_score, cells.frequency_score,
        cells.highest_name, cells.lowest_name, status.as_of_date

),

-- The shop and its rule segments are known as wholes, so no cell may be what others leave of one.
judged as (

    select
        *,
        {{ may_be_told(
            'customer_count', "source, monetary_band, segment_names",
            'recency_score asc, frequency_score'
        ) }}
        and (
            monetary_band <> 'all'
            or {{ may_be_told(
                'customer_count', 'source, monetary_band', 'recency_score asc, frequency_score'
            ) }}
        ) as may_be_told
    from counted

),

-- A cell and its halves are a whole and its parts: where one is kept back, both halves are.
cell_parts as (

    select
        source,
        recency_score,
        frequency_score,
        bool_and(may_be_told or customer_count = 0) as may_tell_halves
    from judged
    group by source, recency_score, frequency_score

),

rfm_grid as (

    select
        judged.source,
        judged.monetary_band,
        judged.segment_names,
        cast(judged.recency_score as integer) as recency_score,
        cast(judged.frequency_score as integer) as frequency_score,
        cast(judged.customer_count as bigint) as customer_count,
        {{ to_decimal('judged.customer_count / totals.customer_count', 18, 6) }} as customer_share,
        {%- for column, value, type in [
            ('net_revenue', 'judged.net_revenue', 'decimal(38, 4)'),
            ('net_revenue_share',
             to_decimal('cast(judged.net_revenue as double) / nullif(totals.net_revenue, 0)', 18, 6),
             'decimal(18, 6)'),
            ('net_revenue_per_customer',
             to_decimal('cast(judged.net_revenue as double) / judged.customer_count', 18, 4),
             'decimal(18, 4)'),
        ] %}
        cast(
            case
                when judged.may_be_told and (judged.monetary_band = 'all' or parts.may_tell_halves)
                    then {{ value }}
            end as {{ type }}
        ) as {{ column }},
        {%- endfor %}
        judged.as_of_date
    from judged
    inner join totals
        on judged.source = totals.source
    inner join cell_parts as parts
        on
            judged.source = parts.source
            and judged.recency_score = parts.recency_score
            and judged.frequency_score = parts.frequency_score

)

select * from rfm_grid
