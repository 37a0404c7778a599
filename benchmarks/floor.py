"""The least that anybody must do: scan each needed column once, and write the single view once.

python benchmarks/floor.py LANDING SINGLE_VIEW.parquet TARGET.duckdb
"""

from __future__ import annotations

import sys

import duckdb

# The columns that the single view is made of.
NEEDED = {
    "market_order": "client_id order_id createdate checkoutdate deliverdate ratedate city_id "
    "devicename distance basketvalue chargedamount deliveryfee discountamount suppliersupport "
    "thirdpartysupport rateisskipped rating",
    "app_open": "client_id appopendate",
    "promo_detail": "order_id promo_id",
    "product_detail": "order_id _pos count product_id price mastercategory_id",
}


def main() -> None:
    """Scan and write."""
    landing, single_view, target = sys.argv[1:]
    connection = duckdb.connect(target)
    for table, columns in NEEDED.items():
        scans = ", ".join(f'max(strlen("{column}"))' for column in columns.split())
        connection.execute(
            f"select {scans} from read_parquet('{landing}/market/{table}/*.parquet')"
        )
        connection.fetchall()
    connection.execute(f"create table result as from read_parquet('{single_view}')")
    connection.close()


if __name__ == "__main__":
    main()
