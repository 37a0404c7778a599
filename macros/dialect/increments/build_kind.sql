{#-
    Whether this build adds to the last one or makes everything anew (docs/increments.md). It is
    decided once, before anything is built, and the state that it rests on is taken away until all
    is built: a build that ends early, or of a part, is followed by a full one.

    The schema `builds` holds: this_build, what was decided; landed_files, what the landing zone
    held, with the files that are new to this build; and, after a complete build, last_complete, with
    whether what grows passed its tests, and what the next build compares with (last_<model>).
-#}

{#- Decides the kind of the build; a hook at its start. -#}
{% macro begin_build() -%}
    {%- if execute and flags.WHICH in ["build", "run", "seed"] and can_increment() -%}
        {%- set needed = increment_nodes() -%}
        {%- set selected = needed | select("in", selected_resources) | list -%}
        {%- if selected -%}
            {%- do _decide(selected | length == needed | reject("in", _not_run()) | list | length) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- Nodes that a command leaves alone, as their files say what they hold: seeds, of `dbt run`. -#}
{% macro _not_run() -%}
    {%- set found = [] -%}
    {%- if flags.WHICH == "run" -%}
        {%- for name, node in graph.nodes.items() if node.resource_type == "seed" -%}
            {%- do found.append(name) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(found) }}
{%- endmacro %}

{#- Models that grow and what they are made of, models and seeds, by their ids. -#}
{% macro increment_nodes() -%}
    {%- set found = {} -%}
    {%- set waiting = [] -%}
    {%- for name, node in graph.nodes.items() -%}
        {%- if node.resource_type == "model" and node.config.meta.get("grows") -%}
            {%- do waiting.append(name) -%}
        {%- endif -%}
    {%- endfor -%}
    {#- A for loop goes on with what is appended to its list on the way. #}
    {%- for name in waiting -%}
        {%- if name not in found -%}
            {%- do found.update({name: true}) -%}
            {%- for parent in graph.nodes[name].depends_on.get("nodes", []) -%}
                {%- if parent.startswith("model.") or parent.startswith("seed.") -%}
                    {%- do waiting.append(parent) -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found.keys() | list) }}
{%- endmacro %}

{% macro _decide(is_whole) -%}
    {%- do run_query("create schema if not exists builds") -%}
    {%- set project = project_mark(invocation_args_dict.project_dir | string) -%}
    {%- set settings = _settings() -%}
    {%- do run_query(
        "create or replace temp table now_landed as " ~ landed_files(path_var("landing"), enabled_sources())
    ) -%}
    {%- set has_last = _has_table("last_complete") -%}
    {%- if flags.FULL_REFRESH -%}
        {%- set reason = "it was asked for" -%}
    {%- elif not is_whole -%}
        {%- set reason = "only a part of the models is built" -%}
    {%- elif project is none -%}
        {%- set reason = "the path of the project has a wildcard in it" -%}
    {%- elif not has_last -%}
        {%- set reason = "no build before it was complete" -%}
    {%- else -%}
        {%- set reason = _difference(project, settings) -%}
    {%- endif -%}
    {%- set kind = "full" if reason else "increment" -%}
    {%- set was_tested = "false" if reason else "(select is_tested from builds.last_complete)" -%}
    {%- do run_query("begin transaction") -%}
    {%- do run_query(
        "create or replace table builds.this_build as select " ~ quoted(invocation_id)
        ~ " as invocation_id, " ~ quoted(kind) ~ " as kind, " ~ quoted(reason) ~ " as reason, "
        ~ quoted(project) ~ " as project_mark, " ~ quoted(settings) ~ " as settings, "
        ~ was_tested ~ " as was_tested"
    ) -%}
    {%- do run_query("drop table if exists builds.last_complete") -%}
    {%- set is_new = "true" if kind == "full" else "path not in (select path from builds.landed_files)" -%}
    {%- do run_query(
        "create or replace temp table told_landed as select *, " ~ is_new ~ " as is_new from now_landed"
    ) -%}
    {%- do run_query("create or replace table builds.landed_files as select * from told_landed") -%}
    {%- do run_query("commit") -%}
    {%- if kind == "full" -%}
        {%- do log("Full build: " ~ reason, info=True) -%}
    {%- else -%}
        {%- set count = run_query("select count(*) from builds.landed_files where is_new").rows[0][0] -%}
        {%- do log("Increment: " ~ count ~ " new " ~ ("file" if count == 1 else "files"), info=True) -%}
    {%- endif -%}
{%- endmacro %}

{#- Whether the schema `builds` has a table. -#}
{% macro _has_table(name) -%}
    {{ return(run_query(
        "select count(*) from duckdb_tables() where schema_name = 'builds' and table_name = "
        ~ quoted(name) ~ " and database_name = current_database()"
    ).rows[0][0] > 0) }}
{%- endmacro %}

{#- The vars as one text, but for those that tables which grow follow by themselves or never read. -#}
{% macro _settings() -%}
    {%- set told = {} -%}
    {%- for name in var_kinds() if name not in ["as_of", "refit", "run_id"] -%}
        {%- do told.update({name: var(name)}) -%}
    {%- endfor -%}
    {{ return(tojson(told, sort_keys=true)) }}
{%- endmacro %}

{#- What differs from the last complete build other than new files of `market`, in words, or ''. -#}
{% macro _difference(project, settings) -%}
    {%- set found = run_query(
        "select case "
        ~ "when last_complete.project_mark <> " ~ quoted(project) ~ " then 'the project has changed' "
        ~ "when last_complete.settings <> " ~ quoted(settings) ~ " then 'vars have changed' "
        ~ "else coalesce((" ~ _landing_difference() ~ "), '') end "
        ~ "from builds.last_complete"
    ).rows -%}
    {{ return(found[0][0] if found else "no build before it was complete") }}
{%- endmacro %}

{% macro _landing_difference() -%}
    select min(
        case
            when landed.path is null then 'a landed file is gone: ' || known.path
            when known.mark <> landed.mark or known.size <> landed.size
                then 'a landed file has changed: ' || known.path
            when known.path is null and landed.source <> 'market'
                then 'there are new files of ' || landed.source
        end
    )
    from now_landed as landed
    full join builds.landed_files as known
        on landed.path = known.path
{%- endmacro %}

{#-
    Keeps the state that the next build may add to, if all that it rests on was built and the landing
    zone is what it was at the start; a hook at the end.
    results: what became of the nodes of this command
-#}
{% macro end_build(results) -%}
    {%- if execute and flags.WHICH in ["build", "run"] and can_increment() -%}
        {%- set needed = increment_nodes() -%}
        {%- set built = {} -%}
        {%- for result in results if result.status in ["success", "pass"] -%}
            {%- do built.update({result.node.unique_id: true}) -%}
        {%- endfor -%}
        {%- if needed | select("in", selected_resources) | list -%}
            {%- set kind = build_kind() -%}
            {#- Seeds that this command did not bring are those of the last build, if it was added to. #}
            {%- set left = _not_run() if kind == "increment" else [] -%}
            {%- if not needed | reject("in", built) | reject("in", left) | list -%}
                {%- set are_tested = not tests_of_growing_models() | reject("in", built) | list -%}
                {%- do _keep_state(are_tested) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro _keep_state(are_tested) -%}
    {%- do run_query(
        "create or replace temp table now_landed as " ~ landed_files(path_var("landing"), enabled_sources())
    ) -%}
    {%- set has_changed = run_query(
        "select count(*) from now_landed as landed full join builds.landed_files as known "
        ~ "on landed.path = known.path and landed.size = known.size and landed.mark = known.mark "
        ~ "where landed.path is null or known.path is null"
    ).rows[0][0] -%}
    {%- if not has_changed -%}
        {%- do run_query("begin transaction") -%}
        {%- do keep_compared_models() -%}
        {%- do run_query(
            "create or replace table builds.last_complete as select project_mark, settings, "
            ~ are_tested ~ " as is_tested from builds.this_build where invocation_id = " ~ quoted(invocation_id)
        ) -%}
        {%- do run_query("commit") -%}
    {%- endif -%}
{%- endmacro %}

{#- What this build is: 'increment', or 'full', as all but a build that was decided is. -#}
{% macro build_kind() -%}
    {%- if not execute or flags.WHICH not in ["build", "run"] or not can_increment() -%}
        {{ return("full") }}
    {%- endif -%}
    {%- if not _has_table("this_build") -%}
        {{ return("full") }}
    {%- endif -%}
    {%- set decided = run_query(
        "select kind from builds.this_build where invocation_id = " ~ quoted(invocation_id)
    ).rows -%}
    {{ return(decided[0][0] if decided else "full") }}
{%- endmacro %}

{#- Whether the model that is built may add to its last build; a unit test always sees all rows. -#}
{% macro is_increment() -%}
    {{ return(execute and model.resource_type == "model" and build_kind() == "increment") }}
{%- endmacro %}

{#-
    dbt asks this of each incremental model. A model that grows with the landing zone is made anew
    where the build is full; others, which keep what they have decided, as dbt does by itself.
-#}
{% macro should_full_refresh() -%}
    {%- if model.config.meta.get("grows") -%}
        {{ return(build_kind() == "full") }}
    {%- endif -%}
    {%- set asked = config.get("full_refresh") -%}
    {{ return(flags.FULL_REFRESH if asked is none else asked) }}
{%- endmacro %}
