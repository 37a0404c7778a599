with customer_standardised_features as (

    select
        customer_key,
        source,
        {%- for feature in feature_names() %}
        {{ feature }},
        {%- endfor %}
        as_of_date
    from {{ ref('customer_standardised_slices') }}
    where months_back = 0

)

select * from customer_standardised_features
