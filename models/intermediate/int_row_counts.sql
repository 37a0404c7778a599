{{ union_sources('row_counts', [
    'source',
    'source_table',
    'landed_count',
    'accepted_count',
    'rejected_count',
    'duplicate_count',
]) }}
