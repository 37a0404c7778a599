{{ landed_rows('online_retail', ['online_retail']) }}
