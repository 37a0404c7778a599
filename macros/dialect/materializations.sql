{#-
    Tables and views of DuckDB, replaced in one step. The adapter's own way builds beside the old
    relation, renames twice and drops: a dozen statements a model, each with its cost in dbt. DuckDB
    replaces a relation within a transaction, so that one text does it all: the new relation, its
    contract, its rules in a build with the selector `daily`, and its comments; and none of it where
    one fails.

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
        {%- do check_rules_of(this) -%}
        {{ return({"relations": [this.incorporate(type="table")]}) }}
    {%- endif -%}
    {%- if is_replaced_at_once("table") -%}
        {{ return(replace_at_once("table", compiled_code)) }}
    {%- endif -%}
    {%- set made = dbt.materialization_table_duckdb() -%}
    {%- do check_rules_of(this) -%}
    {{ return(made) }}
{% endmaterialization %}

{% materialization view, adapter="duckdb" %}
    {%- if is_replaced_at_once("view") -%}
        {{ return(replace_at_once("view", compiled_code)) }}
    {%- endif -%}
    {%- set made = dbt.materialization_view_default() -%}
    {%- do check_rules_of(this) -%}
    {{ return(made) }}
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
    {#- One text with its own transaction: what dbt would say of a begin and a commit costs more. -#}
    {%- call statement("main", auto_begin=false) -%}
        begin;
        create or replace {{ kind }} {{ relation }} as
        {{ in_order_of_contract(query) if is_contract else query }};
        {{ contract_check(relation) if is_contract }}
        {{ rule_checks(relation) }}
        {{ comments_of(relation) }}
        commit;
    {%- endcall -%}
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

{#-
    Statements that fail where a rule of the model's `holds` tests is broken, in a build that leaves
    these tests out; the message names each broken rule.
    relation: what was just made
-#}
{% macro rule_checks(relation) -%}
    {%- if invocation_args_dict.get("selector") == "daily" -%}
        {%- for test in tests_by_model().get(model.unique_id, []) -%}
            {%- set arguments = test.test_metadata.kwargs -%}
            {%- set rules = {} -%}
            {%- for rule, condition in arguments.get("rules", {}).items() -%}
                {%- do rules.update({rule: render(condition | string)}) -%}
            {%- endfor -%}
            {%- set rows = "(select * from " ~ relation ~ " where " ~ test.config.where ~ ") as judged_rows" if test.config.where else relation -%}
            select
                case when count(*) > 0 then error(
                    '{{ relation.identifier }} breaks its rules: '
                    || string_agg(broken_rule || ' (' || failing_rows || ' rows)', ', ' order by broken_rule)
                ) end as rule_check
            from (
            {{ broken_rules(rows, arguments.grain, rules) }}
            ) as broken;
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{#-
    The tests that the selector `daily` leaves to models (see selectors.yml), by model. They are
    looked for once a build and kept in the graph: it is the same object for all models.
-#}
{% macro tests_by_model() -%}
    {%- if "tests_by_model" not in graph -%}
        {%- set found = {} -%}
        {%- for test in graph.nodes.values() if test.resource_type == "test" and (test.test_metadata or {}).get("name") == "holds" and test.config.severity == "ERROR" -%}
            {%- do found.setdefault(test.attached_node, []).append(test) -%}
        {%- endfor -%}
        {%- do graph.update({"tests_by_model": found}) -%}
    {%- endif -%}
    {{ return(graph.tests_by_model) }}
{%- endmacro %}

{#-
    Checks the rules of a relation that was not replaced in one step, after it was written.
    relation: the relation
-#}
{% macro check_rules_of(relation) -%}
    {%- set checks = rule_checks(relation) | trim -%}
    {%- if checks -%}
        {%- do run_query(checks) -%}
    {%- endif -%}
{%- endmacro %}

{#-
    Refuses the selector `daily` where tables are written in another way than above: the rules that
    it leaves to them would be checked by nobody.
-#}
{% macro check_selector() -%}
    {%- if invocation_args_dict.get("selector") == "daily" and target.type != "duckdb" -%}
        {{ exceptions.raise_compiler_error("the selector daily is for DuckDB; elsewhere: --exclude resource_type:unit_test") }}
    {%- endif -%}
{%- endmacro %}
