{{ orders_customers('online_retail', ref('int_online_retail__orders')) }}
