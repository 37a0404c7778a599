{#-
    Vars, checked while parsing: a var is text from outside, and text that is pasted into SQL is
    executed. `check_vars` looks at all of them before anything runs, whatever is selected.
-#}

{#-
    What each var of dbt_project.yml must be, by its name. A var that is not listed here is refused;
    adding one is a line there and a line here.
-#}
{% macro var_kinds() -%}
    {{ return({
        "sources": "sources",
        "landing": "folder",
        "as_of": "date or empty",
        "known_by": "moment or empty",
        "earliest_date": "date",
        "latest_date": "date",
        "time_zones": "time zones",
        "largest_amount": "number",
        "largest_quantity": "number",
        "sales_json_excluded_periods": "periods",
        "currencies": "currencies",
        "delivery_cost_per_order": "number",
        "delivery_cost_per_km": "number",
        "payment_fee_rate": "share",
        "marketing_cost_is_per_order": "flag",
        "frequency_bands": "bands",
        "rating_prior_count": "number",
        "rfm_refit_interval_days": "number",
        "overdue_at": "number",
        "history_months": "whole number",
        "decision_days": "whole number",
        "late_delivery_days": "whole number",
        "recent_sample_size": "number",
        "refit": "flag",
        "good_rate_prior_count": "number",
        "quality_refit_interval_days": "number",
        "clv_refit_interval_days": "number",
        "segment_refit_interval_days": "number",
        "segment_resamples": "resamples",
        "smallest_group": "number",
        "distribution_values": "number",
        "global_holdout_share": "share",
        "most_pooled_runs": "number",
        "contact_gap_days": "whole number",
        "contact_limit": "number",
        "contact_limit_days": "whole number",
        "suppress_after_order_days": "number",
        "suppress_undelivered_days": "number",
        "suppress_after_low_rating_days": "number",
        "low_rating": "number",
        "contact_sources": "contact sources",
        "kept_assignments": "file or empty",
        "order_value_prior_count": "number",
        "run_id": "run",
        "recommendation_days": "whole number",
        "recommended_products": "number",
        "gate_most_rejected_share": "share",
        "gate_largest_volume_drop": "share",
        "gate_largest_volume_growth": "number",
        "gate_least_day_share": "share",
        "gate_least_week_share": "share",
        "gate_least_usual_rows": "number",
        "gate_largest_customer_drop": "share",
        "gate_largest_revenue_drop": "share",
        "gate_largest_recent_revenue_drop": "share",
        "gate_largest_recent_revenue_growth": "number",
        "gate_most_days_back": "number",
        "gate_largest_segment_share_change": "share",
        "gate_largest_segment_mean_change": "number",
    }) }}
{%- endmacro %}

{#- The shops and the lists of contacts that there are models of. -#}
{% macro known_contact_sources() -%}
    {{ return(["suppressions", "consents"]) }}
{%- endmacro %}

{#-
    What a var of a kind must be, in words, if the value is not; none if it is.
    kind: a kind of `var_kinds`
    value: the value, as it was given
-#}
{% macro var_problem(kind, value) -%}
    {%- set text = value | string -%}
    {%- set day = "[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-9]))" -%}
    {%- set patterns = {
        "date": (day, "a date like 2026-06-30"),
        "date or empty": ("(?:" ~ day ~ ")?", "a date like 2026-06-30"),
        "moment or empty": (
            "(?:" ~ day ~ "(?: (?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])?)?",
            "a date like 2026-06-30 or a time like 2026-06-30 06:00:00, in UTC",
        ),
        "number": ("[0-9]{1,12}(?:[.][0-9]{1,6})?", "a number of zero or more"),
        "whole number": ("[0-9]{1,9}", "a whole number of zero or more"),
        "share": ("0(?:[.][0-9]{1,6})?|1(?:[.]0{1,6})?", "a share from 0 to 1"),
        "resamples": ("[0-9]{1,9}", "from 5 to 1000"),
        "folder": (
            "[^'\"`;(){}*?\\[\\]\\x00-\\x1f]+",
            "a folder's path without quotes, brackets, wildcards or semicolons",
        ),
        "file or empty": (
            "[^'\"`;(){}*?\\[\\]\\x00-\\x1f]*",
            "a file's path without quotes, brackets, wildcards or semicolons",
        ),
        "run": ("[A-Za-z0-9_.:+-]{0,100}", "letters, digits and _ . : + - alone"),
    } -%}
    {%- if kind in patterns -%}
        {%- set pattern, words = patterns[kind] -%}
        {%- set fits = value is not none and modules.re.fullmatch(pattern, text) is not none -%}
        {%- if fits and kind == "resamples" -%}
            {%- set fits = 5 <= text | int <= 1000 -%}
        {%- endif -%}
        {{ return(none if fits else words) }}
    {%- elif kind == "flag" -%}
        {{ return(none if text | lower in ("true", "false") else "true or false") }}
    {%- elif kind == "bands" -%}
        {%- set is_list = value is iterable and value is not string and value is not mapping -%}
        {%- set fits = is_list and value | length == 5 and not value | reject("integer") | list and value == value | sort | unique | list and value[0] == 1 -%}
        {{ return(none if fits else "five rising whole numbers that begin with 1") }}
    {%- elif kind == "sources" or kind == "contact sources" -%}
        {%- set known = known_sources() if kind == "sources" else known_contact_sources() -%}
        {%- set is_list = value is iterable and value is not string and value is not mapping -%}
        {%- set fits = is_list and not value | reject("in", known) | list and (value or kind != "sources") -%}
        {{ return(none if fits else "a list of " ~ ("one" if kind == "sources" else "none") ~ " or more of " ~ known) }}
    {%- elif kind == "currencies" -%}
        {{ return(none if words_by_source(value, "[A-Z]{3}") else "codes of three capitals by source, like {market: EUR}") }}
    {%- elif kind == "time zones" -%}
        {%- set fits = words_by_source(value, "[A-Za-z0-9_+/-]{1,50}") and not value.values() | reject("in", modules.pytz.all_timezones) | list -%}
        {{ return(none if fits else "names of time zones by source, like {market: Europe/Berlin}") }}
    {%- elif kind == "periods" -%}
        {{ return(none if are_periods(value, day) else "a list of [from, to] dates like [[2025-01-01, 2025-06-30]]") }}
    {%- else -%}
        {{ exceptions.raise_compiler_error("no var is of the kind '" ~ kind ~ "'") }}
    {%- endif -%}
{%- endmacro %}

{#- Whether a value is a mapping of sources' names to words that match a pattern. -#}
{% macro words_by_source(value, pattern) -%}
    {%- if value is not mapping -%}
        {{ return(false) }}
    {%- endif -%}
    {%- for name, word in value.items() -%}
        {%- if not modules.re.fullmatch("[a-z0-9_]+", name | string) or not modules.re.fullmatch(pattern, word | string) -%}
            {{ return(false) }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(true) }}
{%- endmacro %}

{#- Whether a value is a list of pairs of days, the first of which is not the later one. -#}
{% macro are_periods(value, day) -%}
    {%- if value is string or value is mapping or value is not iterable -%}
        {{ return(false) }}
    {%- endif -%}
    {%- for period in value -%}
        {%- if period is string or period is mapping or period is not iterable or period | length != 2 -%}
            {{ return(false) }}
        {%- endif -%}
        {%- set days = period | map("string") | list -%}
        {%- if not modules.re.fullmatch(day, days[0]) or not modules.re.fullmatch(day, days[1]) or days[0] > days[1] -%}
            {{ return(false) }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(true) }}
{%- endmacro %}

{#- The value of a var, refused where it is not of its kind. -#}
{% macro checked_var(name) -%}
    {%- set value = var(name) -%}
    {%- set problem = var_problem(var_kinds()[name], value) -%}
    {%- if problem is not none -%}
        {{ exceptions.raise_compiler_error("var " ~ name ~ " must be " ~ problem ~ ", not '" ~ value ~ "'") }}
    {%- endif -%}
    {{ return(value) }}
{%- endmacro %}

{#-
    Refuses vars that no model knows and values that are not of their var's kind. It is a hook, and
    so it runs while the project is parsed, with every command of dbt that parses.
-#}
{% macro check_vars() -%}
    {%- set kinds = var_kinds() -%}
    {%- for name in (invocation_args_dict.get("vars") or {}) if name not in kinds -%}
        {{ exceptions.raise_compiler_error("there is no var " ~ name ~ "; the nearest is " ~ nearest_name(name, kinds)) }}
    {%- endfor -%}
    {%- for name in kinds -%}
        {%- do checked_var(name) -%}
    {%- endfor -%}
{%- endmacro %}

{#-
    The name that shares the greatest part of its pairs of letters with a name that is not known.
    name: the name that is not known
    names: the known ones
-#}
{% macro nearest_name(name, names) -%}
    {%- set found = namespace(name=none, score=-1) -%}
    {%- set given = letter_pairs(name | string) -%}
    {%- for known in names | sort -%}
        {%- set pairs = letter_pairs(known) -%}
        {%- set score = 2 * given | select("in", pairs) | list | length / (given | length + pairs | length) -%}
        {%- if score > found.score -%}
            {%- set found.name = known -%}
            {%- set found.score = score -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found.name) }}
{%- endmacro %}

{% macro letter_pairs(word) -%}
    {%- set padded = " " ~ word ~ " " -%}
    {%- set pairs = [] -%}
    {%- for position in range(padded | length - 1) -%}
        {%- do pairs.append(padded[position:position + 2]) -%}
    {%- endfor -%}
    {{ return(pairs | unique | list) }}
{%- endmacro %}

{% macro date_var(name) -%}
    {{ return(checked_var(name) | string) }}
{%- endmacro %}

{% macro number_var(name) -%}
    {{ return(checked_var(name) | string) }}
{%- endmacro %}

{% macro share_var(name) -%}
    {{ return(checked_var(name) | string) }}
{%- endmacro %}

{% macro flag_var(name) -%}
    {{ return(checked_var(name) | string | lower) }}
{%- endmacro %}

{#- A var of periods, as a list of pairs of dates; both days of a pair belong to its period. -#}
{% macro periods_var(name) -%}
    {%- set periods = [] -%}
    {%- for period in checked_var(name) -%}
        {%- do periods.append(period | map("string") | list) -%}
    {%- endfor -%}
    {{ return(periods) }}
{%- endmacro %}

{#- The least number of orders of the frequency scores 1 to 5, as five rising whole numbers. -#}
{% macro frequency_bands() -%}
    {{ return(checked_var("frequency_bands")) }}
{%- endmacro %}

{#- The names in the var `contact_sources`; none are given by default. -#}
{% macro contact_sources() -%}
    {{ return(known_contact_sources() | select("in", checked_var("contact_sources")) | list) }}
{%- endmacro %}

{#- A file's path, or nothing where the var is empty. -#}
{% macro path_var(name) -%}
    {{ return(checked_var(name) | string) }}
{%- endmacro %}

{#-
    The name of the run as an expression: the var run_id, or else the as-of date.
    as_of_date: the expression of the date
-#}
{% macro run_name(as_of_date) -%}
    {%- set value = checked_var("run_id") | string -%}
    {{ return("'" ~ value ~ "'" if value else "cast(" ~ as_of_date ~ " as string)") }}
{%- endmacro %}

{#-
    The currency of a source as an expression: its code in the var `currencies`, null where it has
    none.
    source: the expression of the source's name
-#}
{% macro currency_of(source) -%}
    {%- set cases = [] -%}
    {%- for name, code in checked_var("currencies").items() -%}
        {%- do cases.append("when " ~ source ~ " = '" ~ name ~ "' then '" ~ code ~ "'") -%}
    {%- endfor -%}
    {{ return("case " ~ cases | join(" ") ~ " end" if cases else "cast(null as string)") }}
{%- endmacro %}

{#- The zone whose clock a source's times are told by: its name in the var `time_zones`, or UTC. -#}
{% macro time_zone_of(source_name) -%}
    {{ return(checked_var("time_zones").get(source_name, "UTC")) }}
{%- endmacro %}
