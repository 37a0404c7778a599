{{ union_sources('order_lines', [
    'order_key',
    'product_key',
    'source',
    'product_id',
    'category',
    'subcategory',
    'brand',
    'line_number',
    'quantity',
    'unit_price',
]) }}
