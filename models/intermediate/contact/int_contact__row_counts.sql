{%- set accepted = {} -%}
{%- for table_name in contact_sources() -%}
{%- do accepted.update({table_name: (ref('int_contact__' ~ table_name), 'count(*)')}) -%}
{%- endfor -%}
{{ row_counts(
    'contact',
    landed=ref('stg_contact__landed_rows'),
    rejected=ref('int_contact__rejected_rows'),
    duplicates=ref('int_contact__duplicate_rows'),
    accepted=accepted,
) }}
