with today as (

    select * from {{ ref('customer_features') }}

),

past as (

    select * from {{ ref('customer_feature_history') }}

),

slices as (

    select * from {{ ref('segment_slices') }}

),

customer_slice_features as (

    select
        customer_key,
        source,
        {%- for feature in feature_names() %}
        {{ feature }},
        {%- endfor %}
        0 as months_back,
        as_of_date
    from today
    union all
    select
        past.customer_key,
        past.source,
        {%- for feature in feature_names() %}
        past.{{ feature }},
        {%- endfor %}
        slices.months_back,
        past.as_of_date
    from past
    inner join slices
        on
            past.source = slices.source
            and past.as_of_number = slices.as_of_number

)

select * from customer_slice_features
