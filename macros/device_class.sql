{#- ios, android, web or other, from the name of a device; null where there is no name. -#}
{% macro device_class(device_name) -%}
    case
        when {{ device_name }} is null or trim({{ device_name }}) = '' then null
        when lower({{ device_name }}) like '%iphone%' or lower({{ device_name }}) like '%ipad%' then 'ios'
        when
            {{ has_match(
                "lower(" ~ device_name ~ ")",
                "samsung|galaxy|xiaomi|redmi|huawei|pixel|oneplus|oppo|android|nokia|motorola|realme|vivo"
            ) }}
            then 'android'
        when lower({{ device_name }}) like '%web%' or lower({{ device_name }}) like '%browser%' then 'web'
        else 'other'
    end
{%- endmacro %}
