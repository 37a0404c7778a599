{#-
    Rows of a seed on Spark. dbt-spark pastes values between quotes, so that a text with a quote in
    it is no SQL, and what is missing becomes the word None; here each is a literal of its own.
    It replaces the adapter's macro of this name.
-#}
{% macro spark__load_csv_rows(model, agate_table) -%}
    {%- set types = model["config"].get("column_types", {}) -%}
    {%- set statements = [] -%}
    {%- for rows in agate_table.rows | batch(get_batch_size()) -%}
        {%- set sql -%}
            insert into {{ this.render() }} values
            {%- for row in rows %}
            ({%- for column in agate_table.column_names -%}
                {{ spark_literal(row[column], types.get(column, adapter.convert_type(agate_table, loop.index0))) }}
                {{- ", " if not loop.last }}
            {%- endfor -%}){{ "," if not loop.last }}
            {%- endfor %}
        {%- endset -%}
        {%- do adapter.add_query(sql, abridge_sql_log=true) -%}
        {%- do statements.append(sql) -%}
    {%- endfor -%}
    {{ return(statements[0] if statements else "") }}
{%- endmacro %}

{#- A value as a literal of Spark, in which a backslash would begin an escape. -#}
{% macro spark_literal(value, data_type) -%}
    {%- if value is none -%}
        {{ return("cast(null as " ~ data_type ~ ")") }}
    {%- endif -%}
    {%- set text = value | string | replace("\\", "\\\\") | replace("'", "\\'") -%}
    {{ return("cast('" ~ text ~ "' as " ~ data_type ~ ")") }}
{%- endmacro %}
