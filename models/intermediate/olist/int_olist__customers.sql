{{ orders_customers('olist', ref('int_olist__orders')) }}
