{{ union_sources('row_counts', ledger_sources()) }}
