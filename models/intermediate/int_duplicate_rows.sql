{{ union_sources('duplicate_rows', [
    'source',
    'source_table',
    'source_file',
    'source_record',
]) }}
