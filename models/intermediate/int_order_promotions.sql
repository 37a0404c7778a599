{{ union_sources('order_promotions') }}
