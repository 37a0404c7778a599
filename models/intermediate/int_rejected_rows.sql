{{ union_sources('rejected_rows') }}
