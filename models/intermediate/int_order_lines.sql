{{ union_sources('order_lines', [
    'order_key',
    'product_key',
    'source',
    'line_number',
    'quantity',
    'unit_price',
]) }}
