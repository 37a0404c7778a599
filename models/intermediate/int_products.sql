{{ union_sources('products', [
    'product_key',
    'source',
    'product_id',
    'category',
    'subcategory',
    'brand',
]) }}
