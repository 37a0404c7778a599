{{ no_rows('ratings') }}
