{{ union_sources('rejected_rows', ledger_sources()) }}
