{{ customer_spellings('market', [
    (ref('stg_market__market_order'), hash_key(["'market'", 'customer_id'])),
    (ref('stg_market__app_open'), 'customer_key'),
]) }}
