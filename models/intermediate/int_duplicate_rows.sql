{{ union_sources('duplicate_rows') }}
