{{ no_rows('app_opens') }}
