{{ union_sources('ratings') }}
