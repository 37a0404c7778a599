{{ union_sources('rejected_rows', [
    'source',
    'source_table',
    'source_file',
    'source_record',
    'reject_reasons',
    'raw_row',
]) }}
