{{ union_sources('row_counts') }}
