{{ no_rows('order_promotions') }}
