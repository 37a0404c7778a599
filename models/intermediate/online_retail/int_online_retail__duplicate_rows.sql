-- The table has no key: a repeated row may as well be the same thing bought twice.
{{ no_rows('duplicate_rows') }}
