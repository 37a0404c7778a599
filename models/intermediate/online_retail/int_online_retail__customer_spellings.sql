{{ customer_spellings('online_retail', [
    (ref('stg_online_retail__online_retail'), hash_key(["'online_retail'", 'customer_id'])),
]) }}
