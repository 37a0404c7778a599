-- A discount is an amount without a name: which promotion gave it is not known.
{{ no_rows('order_promotions') }}
