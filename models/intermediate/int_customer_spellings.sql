{{ union_sources('customer_spellings') }}
