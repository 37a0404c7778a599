{#-
    What of the landing zone and of the project lies on disk, told by the engine: it decides whether
    a build may add to the last one. An engine that cannot tell builds in full.
-#}

{#- Whether tables can grow with the landing zone on this engine (docs/increments.md). -#}
{% macro can_increment() -%}
    {{ return(adapter.dispatch('can_increment', 'clientele')()) }}
{%- endmacro %}

{% macro default__can_increment() -%}
    {{ return(true) }}
{%- endmacro %}

{% macro spark__can_increment() -%}
    {{ return(false) }}
{%- endmacro %}

{#-
    A query of the Parquet files below the folders of sources: source, source_table, path as the
    reader of sources names it, size, and a mark of the content. A file too large to be read whole
    is marked by when it was written.
    landing: the landing zone
    source_names: the sources
-#}
{% macro landed_files(landing, source_names) -%}
    {{ return(adapter.dispatch('landed_files', 'clientele')(landing, source_names)) }}
{%- endmacro %}

{% macro default__landed_files(landing, source_names) -%}
    {%- set largest_read = 100000000 -%}
    {%- set folders = [] -%}
    {%- for name in source_names -%}
        {%- set pattern = landing ~ "/" ~ name ~ "/**/*.parquet" -%}
        {#- Where nothing matches, the functions that read files stop the build. #}
        {%- if run_query("select count(*) from glob('" ~ pattern ~ "')").rows[0][0] -%}
            {%- do folders.append((name, pattern)) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for name, pattern in folders %}
    select
        '{{ name }}' as source,
        string_split(filename, '/')[-2] as source_table,
        filename as path,
        size,
        cast(last_modified as varchar) as mark
    from read_blob('{{ pattern }}')
    where size > {{ largest_read }}
    union all
    {%- set paths = [] -%}
    {%- for row in run_query(
        "select filename from read_blob('" ~ pattern ~ "') where size <= " ~ largest_read
    ).rows -%}
        {%- do paths.append(quoted(row[0])) -%}
    {%- endfor %}
    select
        '{{ name }}' as source,
        string_split(filename, '/')[-2] as source_table,
        filename as path,
        size,
        cast(hash(content) as varchar) as mark
    from read_blob([{{ paths | join(", ") }}])
    {{ "union all" if not loop.last }}
    {%- else %}
    select
        '' as source,
        '' as source_table,
        '' as path,
        cast(0 as bigint) as size,
        '' as mark
    where false
    {%- endfor %}
{%- endmacro %}

{#-
    A mark of all that decides what a build makes of its rows: code, settings and seeds of the
    project, and the engine's version; null where the project's folder cannot be read.
    project: the folder of the project
-#}
{% macro project_mark(project) -%}
    {{ return(adapter.dispatch('project_mark', 'clientele')(project)) }}
{%- endmacro %}

{% macro default__project_mark(project) -%}
    {%- if modules.re.search("[*?\\[\\]{}]", project) -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set patterns = [] -%}
    {%- for kind in [
        "dbt_project.yml", "macros/**/*.sql", "models/**/*.sql", "models/**/*.yml",
        "python_models/**/*.py", "python_models/**/*.yml", "seeds/**/*.csv", "seeds/**/*.yml",
    ] -%}
        {%- do patterns.append(quoted(project ~ "/" ~ kind)) -%}
    {%- endfor -%}
    {%- set found = run_query(
        "select md5(string_agg(substr(filename, " ~ project | length ~ " + 1) || md5(content), ';' "
        ~ "order by filename) || version()) from read_blob([" ~ patterns | join(", ") ~ "])"
    ) -%}
    {{ return(found.rows[0][0] ~ " " ~ dbt_version) }}
{%- endmacro %}
