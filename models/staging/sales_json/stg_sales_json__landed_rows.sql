{{ landed_rows('sales_json', ['sales_transactions']) }}
