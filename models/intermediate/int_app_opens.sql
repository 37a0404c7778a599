{{ union_sources('app_opens') }}
