{#-
    One test a model, since every test is a scan: the grain is unique and never null, and every
    rule is true for every row (a rule that is null fails too). It returns one row per rule that is
    broken, with the number of rows that break it.

    A build with the selector `daily` leaves this test out for tables and views and checks the same
    in the transaction that writes them: a test is a node, and a node costs dbt more than the scan.

    Of a table that grows, a build that adds a day looks at the rows that it made anew, if the others
    passed after the build before (docs/increments.md); `dbt test` always looks at all.

    grain: the columns that identify a row
    rules: a mapping of a rule's name to the SQL condition that must be true
-#}
{% test holds(model, grain, rules={}) %}
{{ broken_rules(touched_rows(model, grain), grain, rules) }}
{% endtest %}
