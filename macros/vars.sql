{#-
    Vars that reach SQL, checked while parsing: a var is text from outside, and text that is
    pasted into SQL is executed.
-#}

{% macro date_var(name) -%}
    {%- set value = var(name) | string -%}
    {%- if not modules.re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value) -%}
        {{ exceptions.raise_compiler_error("var " ~ name ~ " must be a date like 2026-06-30, not '" ~ value ~ "'") }}
    {%- endif -%}
    {{ return(value) }}
{%- endmacro %}

{% macro number_var(name) -%}
    {%- set value = var(name) | string -%}
    {%- if not modules.re.fullmatch("[0-9]{1,12}([.][0-9]{1,6})?", value) -%}
        {{ exceptions.raise_compiler_error("var " ~ name ~ " must be a number of zero or more, not '" ~ value ~ "'") }}
    {%- endif -%}
    {{ return(value) }}
{%- endmacro %}

{% macro share_var(name) -%}
    {%- set value = number_var(name) -%}
    {%- if value | float > 1 -%}
        {{ exceptions.raise_compiler_error("var " ~ name ~ " must be a share from 0 to 1, not '" ~ value ~ "'") }}
    {%- endif -%}
    {{ return(value) }}
{%- endmacro %}

{% macro flag_var(name) -%}
    {%- set value = var(name) | string | lower -%}
    {%- if value not in ("true", "false") -%}
        {{ exceptions.raise_compiler_error("var " ~ name ~ " must be true or false, not '" ~ value ~ "'") }}
    {%- endif -%}
    {{ return(value) }}
{%- endmacro %}

{#- A var of periods, as a list of pairs of dates; both days of a pair belong to its period. -#}
{% macro periods_var(name) -%}
    {%- set value = var(name) -%}
    {%- set message = "var " ~ name ~ " must be a list of [from, to] dates like [[2025-01-01, 2025-06-30]], not '" ~ value ~ "'" -%}
    {%- if value is string or value is mapping or value is not iterable -%}
        {{ exceptions.raise_compiler_error(message) }}
    {%- endif -%}
    {%- set periods = [] -%}
    {%- for period in value -%}
        {%- if period is string or period is not iterable or period | length != 2 -%}
            {{ exceptions.raise_compiler_error(message) }}
        {%- endif -%}
        {%- set dates = period | map("string") | list -%}
        {%- for date in dates if not modules.re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", date) -%}
            {{ exceptions.raise_compiler_error(message) }}
        {%- endfor -%}
        {%- if dates[0] > dates[1] -%}
            {{ exceptions.raise_compiler_error(message) }}
        {%- endif -%}
        {%- do periods.append(dates) -%}
    {%- endfor -%}
    {{ return(periods) }}
{%- endmacro %}

{#- The least number of orders of the frequency scores 1 to 5, as five rising whole numbers. -#}
{% macro frequency_bands() -%}
    {%- set bands = var("frequency_bands") -%}
    {%- if bands is string or bands | length != 5 or bands | reject("integer") | list or bands != bands | sort | unique | list or bands[0] != 1 -%}
        {{ exceptions.raise_compiler_error("var frequency_bands must be five rising whole numbers that begin with 1, not " ~ bands) }}
    {%- endif -%}
    {{ return(bands) }}
{%- endmacro %}

{#-
    Refuses a landing zone whose path could end the statement that it is pasted into. It runs while
    parsing, as a hook, since the sources' YAML cannot call a macro.
-#}
{% macro check_landing() -%}
    {%- set value = var("landing") | string -%}
    {%- if not modules.re.fullmatch("[^'\"`;(){}*?\\[\\]\\n]+", value) -%}
        {{ exceptions.raise_compiler_error("var landing must be a folder's path without quotes, brackets, wildcards or semicolons, not '" ~ value ~ "'") }}
    {%- endif -%}
{%- endmacro %}

{#- The names in the var `contact_sources`, refused where one is not known; none are given by default. -#}
{% macro contact_sources() -%}
    {%- set known = ["suppressions", "consents"] -%}
    {%- set names = var("contact_sources") -%}
    {%- if names is string or names is mapping or names is not iterable or names | reject("in", known) | list -%}
        {{ exceptions.raise_compiler_error("var contact_sources must be a list of none or more of " ~ known ~ ", not " ~ names) }}
    {%- endif -%}
    {{ return(known | select("in", names) | list) }}
{%- endmacro %}

{#- A file's path, or none where the var is empty; refused where it could end its statement. -#}
{% macro path_var(name) -%}
    {%- set value = var(name) | string -%}
    {%- if value and not modules.re.fullmatch("[^'\"`;(){}*?\\[\\]\\n]+", value) -%}
        {{ exceptions.raise_compiler_error("var " ~ name ~ " must be a file's path without quotes, brackets, wildcards or semicolons, not '" ~ value ~ "'") }}
    {%- endif -%}
    {{ return(value) }}
{%- endmacro %}

{#-
    The name of the run as an expression: the var run_id, or else the as-of date.
    as_of_date: the expression of the date
-#}
{% macro run_name(as_of_date) -%}
    {%- set value = var("run_id") | string -%}
    {%- if not modules.re.fullmatch("[A-Za-z0-9_.:+-]{0,100}", value) -%}
        {{ exceptions.raise_compiler_error("var run_id must be letters, digits and _ . : + - alone, not '" ~ value ~ "'") }}
    {%- endif -%}
    {{ return("'" ~ value ~ "'" if value else "cast(" ~ as_of_date ~ " as varchar)") }}
{%- endmacro %}

{#-
    The currency of a source as an expression: its code in the var `currencies`, null where it has
    none.
    source: the expression of the source's name
-#}
{% macro currency_of(source) -%}
    {%- set codes = var("currencies") -%}
    {%- if codes is not mapping -%}
        {{ exceptions.raise_compiler_error("var currencies must be codes by source, like {market: EUR}, not " ~ codes) }}
    {%- endif -%}
    {%- set cases = [] -%}
    {%- for name, code in codes.items() -%}
        {%- if not modules.re.fullmatch("[a-z0-9_]+", name | string) or not modules.re.fullmatch("[A-Z]{3}", code | string) -%}
            {{ exceptions.raise_compiler_error("var currencies must be codes of three capitals by source, like {market: EUR}, not " ~ codes) }}
        {%- endif -%}
        {%- do cases.append("when " ~ source ~ " = '" ~ name ~ "' then '" ~ code ~ "'") -%}
    {%- endfor -%}
    {{ return("case " ~ cases | join(" ") ~ " end" if cases else "cast(null as varchar)") }}
{%- endmacro %}
