{% for table_name in contact_sources() -%}
{{ repeated_rows(
    'contact',
    ref('stg_contact__' ~ table_name),
    table_name,
    keys=['contact_key'],
    times=[],
    content=['findings'],
) }}
{{ "union all" if not loop.last }}
{% endfor %}
