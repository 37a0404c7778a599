{%- set staged = {} -%}
{%- for table_name in contact_sources() -%}
{%- do staged.update({table_name: ref('stg_contact__' ~ table_name)}) -%}
{%- endfor -%}
{{ rejected_rows('contact', staged) }}
