-- The code is what the reasons of customers write: the feature, and whether they are above it.
with segment_reason_words as (
    {% for feature in feature_names() %}
    select
        {{ 2 * loop.index0 }} as reason_code,
        below_words as reason
    from {{ ref('segment_reasons') }}
    where feature = '{{ feature }}'
    union all
    select
        {{ 2 * loop.index0 + 1 }} as reason_code,
        above_words as reason
    from {{ ref('segment_reasons') }}
    where feature = '{{ feature }}'
    {{ "union all" if not loop.last }}
    {%- endfor %}

)

select * from segment_reason_words
