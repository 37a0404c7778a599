{{ union_sources('duplicate_rows', ledger_sources()) }}
