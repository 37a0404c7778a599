{{ union_sources('orders') }}
