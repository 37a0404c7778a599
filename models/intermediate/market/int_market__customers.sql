{{ orders_customers('market', ref('int_market__orders')) }}
