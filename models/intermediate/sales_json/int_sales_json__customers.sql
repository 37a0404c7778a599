{{ orders_customers('sales_json', ref('int_sales_json__orders')) }}
