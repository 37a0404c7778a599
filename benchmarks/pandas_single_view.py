"""The customer single view in pandas, as a notebook would compute it.

    python benchmarks/pandas_single_view.py LANDING RESULT.parquet

It reads the columns it needs of the four native tables, casts what can be cast, drops what cannot,
drops repeats, joins and groups. Money is counted in whole ten-thousandths, since sums of floats
would differ from the warehouse in their last digits. The result is the warehouse's single view,
value for value; rejects are dropped and nothing is kept of them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

MARGIN_RATES = Path(__file__).resolve().parent.parent / "seeds" / "margin_rates.csv"
LARGEST_AMOUNT = 1_000_000
LARGEST_QUANTITY = 10_000
UNITS = 10_000  # of money, in one unit of currency
ONE_DAY = pd.Timedelta(days=1)
MONEY = [
    "distance", "aandm", "basketvalue", "chargedamount", "deliveryfee", "discountamount",
    "suppliersupport", "thirdpartysupport",
]  # fmt: skip
TIMES = ["createdate", "checkoutdate", "deliverdate", "ratedate"]


def read(landing: Path, table: str, columns: list[str]) -> pd.DataFrame:
    """Return columns of a native table as text."""
    return pd.read_parquet(landing / "market" / table, columns=columns)


def numbers(text: pd.Series, pattern: str = r" *-?[0-9]{1,13}([.][0-9]{1,4})? *") -> pd.Series:
    """Return the numbers in a column of texts, NaN where a text is not one."""
    readable = text.str.fullmatch(pattern).fillna(False).astype(bool)
    return pd.to_numeric(text.where(readable).str.strip(" "), errors="coerce")


def units(amount: pd.Series) -> pd.Series:
    """Return amounts in whole ten-thousandths, nothing as zero."""
    return (amount.fillna(0) * UNITS).round().astype("int64")


def times(text: pd.Series) -> pd.Series:
    """Return the times in a column of texts, NaT where a text is not a plausible one."""
    found = pd.to_datetime(text.str.strip(" "), format="%Y-%m-%d %H:%M:%S", errors="coerce")
    return found.where((found >= "2000-01-01") & (found < "2050-01-01"))


def ids(text: pd.Series) -> pd.Series:
    """Return ids in lower case without blanks around them, null where nothing is left."""
    return text.str.strip(" ").str.lower().replace("", None)


def is_given(text: pd.Series) -> pd.Series:
    """Return where a text is not blank."""
    return text.notna() & (text.str.strip(" ") != "")


def written(amount: pd.Series) -> pd.Series:
    """Return amounts as text with four decimals, nothing as an empty text."""
    return amount.map("{:.4f}".format).where(amount.notna(), "")


def accepted_orders(landing: Path) -> pd.DataFrame:
    """Return the orders that break no rule, with all their versions."""
    orders = read(
        landing, "market_order",
        ["client_id", "order_id", "city_id", "devicename", "warehouse_id", "rateisskipped",
         "rating", "ratereason", *MONEY, *TIMES],
    )  # fmt: skip
    good = pd.Series(True, index=orders.index)
    for column, parse in [(c, numbers) for c in MONEY] + [(c, times) for c in TIMES]:
        given = is_given(orders[column])
        orders[column] = parse(orders[column])
        good &= ~(given & orders[column].isna())
        if parse is numbers:
            good &= ~((orders[column] < 0) | (orders[column] > LARGEST_AMOUNT))
    given = is_given(orders["rating"])
    orders["rating"] = numbers(orders["rating"], r" *-?[0-9]{1,9} *")
    good &= ~(given & ~orders["rating"].between(1, 5))
    for column in ("client_id", "order_id", "city_id"):
        orders[column] = ids(orders[column])
    good &= orders[["client_id", "order_id", "createdate", "basketvalue"]].notna().all(axis=1)
    orders = orders[good].copy()
    skipped = orders["rateisskipped"].str.strip(" ").str.lower()
    orders["is_skipped"] = skipped.isin(["1", "true"])
    return orders


def without_versions(orders: pd.DataFrame) -> pd.DataFrame:
    """Return one version an order: that of the latest time, then of the greatest text."""
    is_repeated = orders["order_id"].duplicated(keep=False)
    versions = orders[is_repeated].copy()
    versions["latest"] = versions[TIMES].max(axis=1)
    parts = [versions[c].dt.strftime("%Y-%m-%d %H:%M:%S").fillna("") for c in TIMES]
    parts.append(versions["client_id"])
    amounts = ["basketvalue", "chargedamount", "deliveryfee", "discountamount", "suppliersupport",
               "thirdpartysupport", "aandm", "distance"]  # fmt: skip
    parts += [written(versions[column]) for column in amounts]
    parts.append(versions["rating"].map("{:.0f}".format).where(versions["rating"].notna(), ""))
    parts.append(versions["is_skipped"].map({True: "true", False: "false"}))
    texts = ["ratereason", "city_id", "devicename", "warehouse_id"]
    parts += [versions[column].fillna("") for column in texts]
    versions["content"] = ["|".join(row) for row in zip(*parts, strict=True)]
    best = versions.sort_values(["latest", "content"]).drop_duplicates("order_id", keep="last")
    return pd.concat([orders[~is_repeated], best.drop(columns=["latest", "content"])])


def date_of(orders: pd.DataFrame) -> pd.Timestamp:
    """Return the last complete day of the shop."""
    placed = orders["checkoutdate"].fillna(orders["createdate"])
    days = placed.dt.normalize().value_counts().sort_index()
    weeks = days.rolling("7D").sum()
    usual = weeks[weeks >= 0.1 * weeks.median()].index
    last = usual.max()
    events = orders[["createdate", "checkoutdate", "deliverdate"]].max(axis=1).dt.normalize()
    happened = events[events <= last + 30 * ONE_DAY].max()
    return last if happened > last else max(last - ONE_DAY, usual.min())


def accepted_lines(landing: Path, orders: pd.DataFrame) -> pd.DataFrame:
    """Return the lines of accepted orders that break no rule, one version a line."""
    lines = read(
        landing,
        "product_detail",
        ["order_id", "_pos", "count", "product_id", "price", "mastercategory_id"],
    )
    for column in ("order_id", "product_id", "mastercategory_id"):
        lines[column] = ids(lines[column])
    lines["_pos"] = numbers(lines["_pos"], r" *-?[0-9]{1,9} *")
    lines["count"] = numbers(lines["count"], r" *-?[0-9]{1,9} *")
    lines["price"] = numbers(lines["price"])
    lines = lines[
        lines["count"].between(1, LARGEST_QUANTITY)
        & lines["price"].between(0, LARGEST_AMOUNT)
        & lines["_pos"].notna()
    ].dropna(subset=["order_id", "product_id"])
    lines = lines[lines["order_id"].isin(orders["order_id"])]
    is_repeated = lines.duplicated(["order_id", "_pos"], keep=False)
    versions = lines[is_repeated].copy()
    pieces = versions["count"].map("{:.0f}".format)
    versions["content"] = pieces + "|" + written(versions["price"])
    versions = versions.sort_values("content").drop_duplicates(["order_id", "_pos"], keep="last")
    lines = pd.concat([lines[~is_repeated], versions.drop(columns="content")])
    lines["value"] = lines["count"].astype("int64") * units(lines["price"])
    return lines


def margins_of(lines: pd.DataFrame) -> pd.Series:
    """Return each order's margin rate in millionths, weighted by the values of its lines."""
    seed = pd.read_csv(MARGIN_RATES)
    rates = seed[seed["source"] == "market"].set_index("category")["margin_rate"]
    rates = (rates * 1e6).round().astype("int64")
    rate = lines["mastercategory_id"].map(rates).fillna(1e6).astype("int64")
    grouped = pd.DataFrame(
        {
            "order_id": lines["order_id"],
            "value": lines["value"],
            "weighted": lines["value"] * rate,
            "rate": rate,
        }
    ).groupby("order_id")
    totals = grouped[["value", "weighted"]].sum()
    weighted = nearest((totals["weighted"] / 1e10) / (totals["value"] / UNITS) * 1e6)
    return weighted.where(totals["value"] != 0, grouped["rate"].min()).astype("int64")


def nearest(value: pd.Series) -> pd.Series:
    """Return the nearest whole numbers, halves away from zero."""
    size = value.abs()
    return np.sign(value) * (np.floor(size) + (size - np.floor(size) >= 0.5))


def ratio(value: pd.Series, by: pd.Series, digits: int) -> pd.Series:
    """Return a ratio rounded to digits, NaN where it is divided by zero."""
    by = by.astype("float64").where(by != 0)
    return nearest(value / by * 10**digits) / 10**digits


def device_class(name: pd.Series) -> pd.Series:
    """Return ios, android, web or other from the names of devices."""
    lower = name.str.lower()
    android = (
        "samsung|galaxy|xiaomi|redmi|huawei|pixel|oneplus|oppo|android|nokia|motorola|realme|vivo"
    )
    found = np.select(
        [
            lower.isna() | (lower.str.strip(" ") == ""),
            lower.str.contains("iphone|ipad", na=False),
            lower.str.contains(android, na=False),
            lower.str.contains("web|browser", na=False),
        ],
        ["", "ios", "android", "web"],
        default="other",
    )
    return pd.Series(found, index=name.index).replace("", None)


def priced(orders: pd.DataFrame, lines: pd.DataFrame, landing: Path) -> pd.DataFrame:
    """Return orders with their revenue and margin, and whether they used a promotion."""
    promotions = read(landing, "promo_detail", ["order_id", "promo_id"])
    promotions = promotions[ids(promotions["promo_id"]).notna()]
    orders["has_promo"] = orders["order_id"].isin(ids(promotions["order_id"]))
    margin = orders["order_id"].map(margins_of(lines)).fillna(1e6).astype("int64")
    orders["basket"] = units(orders["basketvalue"])
    orders["discount"] = units(orders["discountamount"])
    support = units(orders["suppliersupport"]) + units(orders["thirdpartysupport"])
    orders["own_discount"] = np.maximum(0, orders["discount"] - support)
    orders["revenue"] = orders["basket"] - orders["own_discount"] + units(orders["deliveryfee"])
    cost = (orders["basket"] * (1_000_000 - margin) + 500_000) // 1_000_000
    orders["cm"] = orders["revenue"] - cost
    orders["metres"] = units(orders["distance"])
    orders["order_date"] = orders["checkoutdate"].dt.normalize()
    orders["delivered_date"] = orders["deliverdate"].dt.normalize()
    return orders


def usual_gap_of(good: pd.DataFrame) -> float:
    """Return the median of the days from the latest order known before to each next one."""
    known = good[["client_id", "order_date", "checkoutdate", "delivered_date"]].copy()
    known["known_date"] = known[["order_date", "delivered_date"]].max(axis=1)
    known = known.sort_values(["client_id", "known_date", "checkoutdate"])
    latest = known.groupby("client_id")["order_date"].cummax()
    before = latest.groupby(known["client_id"]).shift()
    return (known["order_date"] - before).dt.days.clip(lower=0).median()


def app_opens(landing: Path, as_of: pd.Timestamp) -> pd.DataFrame:
    """Return how often each customer opened the app in 7, 30 and 90 days."""
    opens = read(landing, "app_open", ["client_id", "appopendate"])
    opens = opens[opens["appopendate"].str.strip(" ").str.len() == 19].copy()
    opens["client_id"] = ids(opens["client_id"])
    opens["appopendate"] = times(opens["appopendate"])
    opens = opens.dropna()
    age = (as_of - opens["appopendate"].dt.normalize()).dt.days
    opens = opens[(age >= 0) & (age < 90)].drop_duplicates()
    age = (as_of - opens["appopendate"].dt.normalize()).dt.days
    return pd.DataFrame(
        {
            f"app_opens_{days}d": (age < days).groupby(opens["client_id"]).sum()
            for days in (7, 30, 90)
        }
    )


def single_view(landing: Path) -> pd.DataFrame:
    """Return one row a customer or prospect as of the last complete day."""
    accepted = accepted_orders(landing)
    orders = without_versions(accepted)
    del accepted
    as_of = date_of(orders)
    lines = accepted_lines(landing, orders)
    orders = priced(orders, lines, landing)

    told = orders[orders["createdate"] < as_of + ONE_DAY]
    is_placed = told["order_date"] <= as_of
    is_good = is_placed & (told["delivered_date"] <= as_of)
    looked_cancelled = told["checkoutdate"].notna() & (told["chargedamount"] == 0)
    good = told[is_good]
    recent = good[good["order_date"] + 365 * ONE_DAY > as_of]
    grouped, recently = good.groupby("client_id"), recent.groupby("client_id")

    # Of several at one second the one of the greater basket, then the first city.
    last = good.assign(device_class=device_class(good["devicename"])).sort_values(
        ["checkoutdate", "basket", "city_id", "device_class"], ascending=[False, False, True, True]
    )
    last = last.drop_duplicates("client_id").set_index("client_id")

    bought = lines.merge(good[["order_id", "client_id"]], on="order_id")
    bought = bought.dropna(subset=["mastercategory_id"])
    spent = bought.groupby(["client_id", "mastercategory_id"])["value"].sum().reset_index()
    favourite = spent.sort_values(["value", "mastercategory_id"], ascending=[False, True])
    favourite = favourite.drop_duplicates("client_id").set_index("client_id")

    rated = orders[orders["ratedate"] < as_of + ONE_DAY]
    given = rated[rated["rating"].notna() & ~rated["is_skipped"]].groupby("client_id")["rating"]

    amounts = {"basket_value": "basket", "discount_amount": "discount",
               "own_discount": "own_discount", "net_revenue": "revenue", "cm2": "cm"}  # fmt: skip
    view = pd.DataFrame(
        {
            "order_count": is_placed.groupby(told["client_id"]).sum(),
            "successful_order_count": grouped.size(),
            "cancelled_order_count": (is_placed & looked_cancelled & ~is_good)
            .groupby(told["client_id"])
            .sum(),
            "promo_order_count": grouped["has_promo"].sum(),
            "successful_orders_365d": recently.size(),
            "category_count": spent.groupby("client_id").size(),
            "rating_count": given.size(),
            "skipped_rating_count": rated.groupby("client_id")["is_skipped"].sum(),
            "rating_sum": given.sum(),
            "first_order_date": grouped["order_date"].min(),
            "last_order_date": grouped["order_date"].max(),
            "city": last["city_id"],
            "device_class": last["device_class"],
            "favourite_category": favourite["mastercategory_id"],
            "metres": grouped["metres"].sum(),
            "distance_count": grouped["distance"].count(),
            **{name: grouped[column].sum() / UNITS for name, column in amounts.items()},
            "net_revenue_365d": recently["revenue"].sum() / UNITS,
            "cm2_365d": recently["cm"].sum() / UNITS,
        },
        index=pd.Index(told["client_id"].unique(), name="customer_id"),
    ).join(app_opens(landing, as_of))
    counts = [name for name in view if name.endswith("_count") or name.endswith("d")]
    counts = [name for name in counts if not name.startswith(("net_revenue", "cm2"))]
    view[counts] = view[counts].fillna(0).astype("int64")

    count = view["successful_order_count"]
    view["is_customer"] = count > 0
    some = count.astype("float64").where(view["is_customer"])
    view["gap_count"] = some - 1
    view["recency_days"] = (as_of - view["last_order_date"]).dt.days
    view["tenure_days"] = (as_of - view["first_order_date"]).dt.days
    between = (view["last_order_date"] - view["first_order_date"]).dt.days
    view["expected_gap_days"] = ratio(between + 2 * usual_gap_of(good), some + 1, 2)
    view["overdue_ratio"] = ratio(view["recency_days"], view["expected_gap_days"], 2)
    view["is_overdue"] = view["overdue_ratio"] >= 2
    view["cm1"] = view["cm2"]
    view["average_order_value"] = ratio(view["net_revenue"], some, 4)
    view["promo_share"] = ratio(view["promo_order_count"], some, 6)
    view["own_discount_share"] = ratio(view["own_discount"], view["basket_value"], 6)
    view["cm2_rate"] = ratio(view["cm2"], view["net_revenue"], 6)
    view["mean_rating"] = ratio(view["rating_sum"], view["rating_count"], 6)
    view["average_distance_km"] = ratio(view["metres"] / UNITS, view["distance_count"], 3)
    view["lifecycle_stage"] = np.select(
        [
            count == 0,
            view["recency_days"] >= 365,
            view["is_overdue"],
            (count == 1) & (view["tenure_days"] <= 30),
        ],
        ["prospect", "dormant", "overdue", "new"],
        default="active",
    )
    view["as_of_date"] = as_of
    return view.drop(columns=["metres", "distance_count"])


def main() -> None:
    """Compute the single view and write it."""
    landing, result = Path(sys.argv[1]), Path(sys.argv[2])
    single_view(landing).reset_index().to_parquet(result)


if __name__ == "__main__":
    main()
