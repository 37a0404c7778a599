{{ customer_spellings('olist', [
    (ref('stg_olist__customers'), hash_key(["'olist'", 'customer_id'])),
]) }}
