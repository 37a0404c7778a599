"""The customer single view in pandas, as a notebook would compute it: the benchmark's rival.

    python benchmarks/pandas_single_view.py LANDING RESULT.parquet

It reads the four native tables, casts what can be cast, drops what cannot, drops repeats, joins
and groups. It keeps no rejects and reconciles nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd


def read(landing: Path, table: str, columns: list[str]) -> pd.DataFrame:
    """Return columns of a native table as text."""
    names = ", ".join(f'"{column}"' for column in columns)
    return duckdb.sql(f"select {names} from '{landing}/market/{table}/*.parquet'").df()


def numbers(text: pd.Series, pattern: str = r" *-?[0-9]{1,13}([.][0-9]{1,4})? *") -> pd.Series:
    """Return the numbers in a column of texts, NaN where a text is not one."""
    return pd.to_numeric(text.where(text.str.fullmatch(pattern).fillna(False)), errors="coerce")


def times(text: pd.Series) -> pd.Series:
    """Return the times in a column of texts, NaT where a text is not a plausible one."""
    found = pd.to_datetime(text, format="%Y-%m-%d %H:%M:%S", errors="coerce")
    return found.where((found >= "2000-01-01") & (found < "2050-01-01"))


def ids(text: pd.Series) -> pd.Series:
    """Return ids in lower case without blanks around them, null where nothing is left."""
    return text.str.strip().str.lower().replace("", None)


def accepted_orders(landing: Path) -> pd.DataFrame:
    """Return the orders that break no rule, one row per order id."""
    money = ["distance", "aandm", "basketvalue", "chargedamount", "deliveryfee", "discountamount",
             "suppliersupport", "thirdpartysupport"]  # fmt: skip
    moments = ["createdate", "checkoutdate", "deliverdate", "ratedate"]
    orders = read(
        landing, "market_order",
        ["client_id", "order_id", "city_id", "devicename", "rateisskipped", "rating", *money,
         *moments],
    )  # fmt: skip
    good = pd.Series(True, index=orders.index)
    for column, parse in [(c, numbers) for c in money] + [(c, times) for c in moments]:
        given = orders[column].notna() & (orders[column].str.strip() != "")
        orders[column] = parse(orders[column])
        good &= ~(given & orders[column].isna())
        if parse is numbers:
            good &= ~((orders[column] < 0) | (orders[column] > 1_000_000))
    given = orders["rating"].notna() & (orders["rating"].str.strip() != "")
    orders["rating"] = numbers(orders["rating"], r" *-?[0-9]{1,9} *")
    good &= ~(given & ~orders["rating"].between(1, 5))
    orders["client_id"] = ids(orders["client_id"])
    orders["order_id"] = ids(orders["order_id"])
    good &= orders[["client_id", "order_id", "createdate", "basketvalue"]].notna().all(axis=1)
    orders = orders[good].copy()
    orders["latest"] = orders[moments].max(axis=1)
    orders = orders.sort_values("latest", kind="stable").drop_duplicates("order_id", keep="last")
    return orders


def main() -> None:
    """Compute the single view and write it."""
    landing, result = Path(sys.argv[1]), Path(sys.argv[2])
    orders = accepted_orders(landing)
    placed = orders["checkoutdate"].fillna(orders["createdate"])
    days = placed.dt.normalize().value_counts().sort_index()
    weeks = days.rolling("7D").sum()
    last_day = weeks[weeks >= 0.1 * weeks.median()].index.max()
    events = orders[["createdate", "checkoutdate", "deliverdate"]].max(axis=1)
    one_day = pd.Timedelta(days=1)
    as_of = last_day if events.max().normalize() > last_day else last_day - one_day

    known = orders["checkoutdate"].notna() & (orders["deliverdate"] < as_of + one_day)
    good = orders[known].copy()
    support = good["suppliersupport"].fillna(0) + good["thirdpartysupport"].fillna(0)
    own_discount = np.maximum(0, good["discountamount"].fillna(0) - support)
    good["net_revenue"] = good["basketvalue"] - own_discount + good["deliveryfee"].fillna(0)

    lines = read(
        landing,
        "product_detail",
        ["order_id", "_pos", "count", "product_id", "price", "mastercategory_id"],
    )
    lines["order_id"] = ids(lines["order_id"])
    lines["product_id"] = ids(lines["product_id"])
    lines["category"] = ids(lines["mastercategory_id"])
    lines["_pos"] = numbers(lines["_pos"], r" *-?[0-9]{1,9} *")
    lines["count"] = numbers(lines["count"], r" *-?[0-9]{1,9} *")
    lines["price"] = numbers(lines["price"])
    lines = lines[
        (lines["count"] > 0) & lines["price"].between(0, 1_000_000) & lines["_pos"].notna()
    ]
    lines = lines.dropna(subset=["order_id", "product_id"]).drop_duplicates(["order_id", "_pos"])
    lines = lines.merge(good[["order_id", "client_id"]], on="order_id")

    promotions = read(landing, "promo_detail", ["order_id", "promo_id"])
    promotions["order_id"] = ids(promotions["order_id"])
    promotions = promotions[promotions["promo_id"].str.strip().fillna("") != ""]
    good["has_promo"] = good["order_id"].isin(promotions["order_id"])

    rated = orders[
        orders["rating"].notna()
        & orders["ratedate"].lt(as_of + one_day)
        & ~orders["rateisskipped"].str.strip().str.lower().isin(["1", "true"])
    ]
    opens = read(landing, "app_open", ["client_id", "appopendate"])
    opens["client_id"] = ids(opens["client_id"])
    opens = opens[opens["appopendate"].str.len() == 19]
    opens["appopendate"] = times(opens["appopendate"])
    opens = opens.dropna().drop_duplicates()
    opens = opens[
        (opens["appopendate"] < as_of + one_day)
        & (opens["appopendate"] >= as_of - pd.Timedelta(days=89))
    ]

    grouped = good.groupby("client_id")
    view = pd.DataFrame(
        {
            "successful_order_count": grouped.size(),
            "net_revenue": grouped["net_revenue"].sum(),
            "promo_order_count": grouped["has_promo"].sum(),
            "recency_days": (as_of - grouped["checkoutdate"].max().dt.normalize()).dt.days,
            "category_count": lines.groupby("client_id")["category"].nunique(),
            "rating_count": rated.groupby("client_id").size(),
            "app_opens_90d": opens.groupby("client_id").size(),
        }
    )
    view = view[view["successful_order_count"].notna()]
    counts = ["category_count", "rating_count", "app_opens_90d"]
    view[counts] = view[counts].fillna(0)
    duckdb.from_df(view.reset_index(names="customer_id")).write_parquet(str(result))


if __name__ == "__main__":
    main()
