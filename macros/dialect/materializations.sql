{#-
    Tables and views of DuckDB, replaced in one step. The adapter's own way builds beside the old
    relation, renames twice and drops: a dozen statements a model, each with its cost in dbt. DuckDB
    replaces a relation within a transaction, so that one text does it all: the new relation, its
    contract and its comments, and none of it where one fails.

    What the project does not use (hooks, indexes, grants, headers, constraints) and a relation that
    changes its kind go the adapter's way. dbt takes a Python model from a materialization alone and
    from no macro that it calls, so theirs is written out.
-#}
{% materialization table, adapter="duckdb", supported_languages=["sql", "python"] %}
    {%- if model.language == "python" -%}
        {%- set existing = load_cached_relation(this) -%}
        {%- if existing is not none and existing.type != "table" -%}
            {%- do adapter.drop_relation(existing) -%}
        {%- endif -%}
        {{ run_hooks(pre_hooks) }}
        {%- call statement("main", language="python") -%}
            {{ python_replacing(this, compiled_code) }}
        {%- endcall -%}
        {{ run_hooks(post_hooks) }}
        {{ return({"relations": [this.incorporate(type="table")]}) }}
    {%- endif -%}
    {%- if is_replaced_at_once("table") -%}
        {{ return(replace_at_once("table", compiled_code)) }}
    {%- endif -%}
    {{ return(dbt.materialization_table_duckdb()) }}
{% endmaterialization %}

{% materialization view, adapter="duckdb" %}
    {%- if is_replaced_at_once("view") -%}
        {{ return(replace_at_once("view", compiled_code)) }}
    {%- endif -%}
    {{ return(dbt.materialization_view_default()) }}
{% endmaterialization %}

{#-
    Whether the model can be replaced in one step.
    kind: table or view
-#}
{% macro is_replaced_at_once(kind) -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set asks_for_more = pre_hooks or post_hooks or model.constraints or model.columns.values() | selectattr("constraints") | list or (config.persist_column_docs() and not config.get("contract").enforced) -%}
    {%- for option in ["indexes", "grants", "sql_header", "partitioned_by", "partition_by", "sorted_by", "sort_by"] if config.get(option) -%}
        {{ return(false) }}
    {%- endfor -%}
    {{ return(not asks_for_more and (existing is none or existing.type == kind)) }}
{%- endmacro %}

{#-
    Replaces the model's relation and returns it as a materialization does.
    kind: table or view
    query: the compiled SQL of the model
-#}
{% macro replace_at_once(kind, query) -%}
    {%- set relation = this.incorporate(type=kind) -%}
    {%- set is_contract = config.get("contract").enforced -%}
    {%- call statement("main") -%}
        create or replace {{ kind }} {{ relation }} as
        {{ in_order_of_contract(query) if is_contract else query }};
        {{ contract_check(relation) if is_contract }}
        {{ comments_of(relation) }}
    {%- endcall -%}
    {%- do adapter.commit() -%}
    {{ return({"relations": [relation]}) }}
{%- endmacro %}

{#-
    The code of a Python model with the function that dbt calls to write its result.
    relation: where it is written
    code: the compiled code of the model
-#}
{% macro python_replacing(relation, code) -%}
{{ code }}

def materialize(result, connection):
    connection.register("result_of_{{ relation.identifier }}", result)
    connection.execute(
        'create or replace table {{ relation }} as from result_of_{{ relation.identifier }}'
    )
    connection.unregister("result_of_{{ relation.identifier }}")
{%- endmacro %}

{#-
    A query with its columns in the order of the contract; those that the contract does not know
    come last, where `contract_check` finds them.
    query: the compiled SQL of the model
-#}
{% macro in_order_of_contract(query) -%}
    {%- set columns = model.columns | join(", ") -%}
    select {{ columns }}, * exclude ({{ columns }}) from (
    {{ query }}
    ) as contracted
{%- endmacro %}

{#-
    A statement that fails where a relation's columns or types are not those of the contract.
    relation: what was just made
-#}
{% macro contract_check(relation) -%}
    select
        case when count(*) > 0 then error(
            'the enforced contract of {{ relation.identifier }} is broken: ' || string_agg(
                column_name || ' is ' || coalesce(found.column_type, 'missing')
                || ', by contract ' || coalesce(contract.column_type, 'missing'),
                '; ' order by column_name
            )
        ) end as contract_check
    from (describe {{ relation }}) as found
    full join (
        describe (
            select
                {%- for column in model.columns.values() %}
                cast(null as {{ column.data_type }}) as {{ column.name }},
                {%- endfor %}
        )
    ) as contract using (column_name)
    where found.column_type is distinct from contract.column_type;
{%- endmacro %}

{#-
    Statements that write the descriptions into the database, where `persist_docs` asks for them.
    relation: what was just made
-#}
{% macro comments_of(relation) -%}
    {%- if config.persist_relation_docs() and model.description -%}
        {{ duckdb__alter_relation_comment(relation, model.description) }}
    {%- endif -%}
    {%- if config.persist_column_docs() -%}
        {%- for column in model.columns.values() -%}
            comment on column {{ relation }}.{{ column.name }} is {{ duckdb_escape_comment(column.description) }};
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
