"""The customer single view in polars, as somebody who knows it well would write it.

    python benchmarks/polars_single_view.py LANDING RESULT.parquet

Lazy, on the streaming engine, with two intermediate files, so that a shop that does not fit in
memory passes through. Money is counted in whole ten-thousandths, ids become numbers once, rows that
repeat are looked for by one integer key, and app opens that are too old are left before their times
are read. The result is the warehouse's single view, value for value; rejects are dropped and
nothing is kept of them.
"""

from __future__ import annotations

import csv
import shutil
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

import polars as pl

MARGIN_RATES = Path(__file__).resolve().parent.parent / "seeds" / "margin_rates.csv"
LARGEST_AMOUNT = 1_000_000
LARGEST_QUANTITY = 10_000
UNITS = 10_000  # of money, in one unit of currency
MOST_LINES = 1_000_000_000  # line numbers have at most nine digits
ONE_DAY = timedelta(days=1)
MONEY = (
    "distance", "aandm", "basketvalue", "chargedamount", "deliveryfee", "discountamount",
    "suppliersupport", "thirdpartysupport",
)  # fmt: skip
TIMES = ("createdate", "checkoutdate", "deliverdate", "ratedate")


def stripped(column: str) -> pl.Expr:
    """Return a column's text without blanks around it."""
    return pl.col(column).str.strip_chars(" ")


def identifier(column: str) -> pl.Expr:
    """Return ids in lower case, null where nothing is left."""
    text = stripped(column).str.to_lowercase()
    return pl.when(text != "").then(text)


def money(column: str) -> pl.Expr:
    """Return amounts in units, null where the text is none; 1e3 is none."""
    text = stripped(column)
    amount = text.cast(pl.Decimal(18, 4), strict=False).to_physical().cast(pl.Int64)
    return pl.when(~text.str.contains("e", literal=True)).then(amount)


def whole(column: str) -> pl.Expr:
    """Return whole numbers, null where the text is none."""
    return stripped(column).cast(pl.Int64, strict=False)


def moment(column: str) -> pl.Expr:
    """Return times, null where the text is none; years are told apart later."""
    text = stripped(column)
    parsed = text.str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False, time_unit="us")
    return pl.when(text.str.len_bytes() == 19).then(parsed)


def is_unreadable(text: str, value: str) -> pl.Expr:
    """Return where something was written that could not be read."""
    return pl.col(value).is_null() & pl.col(text).is_not_null() & (stripped(text) != "")


def is_bad_amount(text: str, value: str) -> pl.Expr:
    """Return where an amount is unreadable, negative or absurd."""
    beyond = (pl.col(value) < 0) | (pl.col(value) > LARGEST_AMOUNT * UNITS)
    return is_unreadable(text, value) | beyond.fill_null(False)


def is_bad_time(text: str, value: str) -> pl.Expr:
    """Return where a time is unreadable or implausible."""
    beyond = ~pl.col(value).dt.year().is_between(2000, 2049)
    return is_unreadable(text, value) | beyond.fill_null(False)


def scan(landing: Path, table: str) -> pl.LazyFrame:
    """Return a native table."""
    return pl.scan_parquet(landing / "market" / table / "*.parquet")


def write_accepted_orders(landing: Path, path: Path) -> None:
    """Write the orders that break no rule, typed, with all their versions."""
    typed = scan(landing, "market_order").with_columns(
        identifier("order_id").alias("order"),
        identifier("client_id").alias("customer_id"),
        identifier("city_id").alias("city"),
        whole("rating").alias("rating_value"),
        stripped("rateisskipped").str.to_lowercase().is_in(["1", "true"]).fill_null(False)
        .alias("is_skipped"),
        *(money(column).alias(f"{column}_units") for column in MONEY),
        *(moment(column).alias(f"{column}_at") for column in TIMES),
    )  # fmt: skip
    bad = pl.any_horizontal(
        is_unreadable("rating", "rating_value"),
        ~pl.col("rating_value").is_between(1, 5).fill_null(True),
        *(is_bad_amount(column, f"{column}_units") for column in MONEY),
        *(is_bad_time(column, f"{column}_at") for column in TIMES),
    )
    required = ("order", "customer_id", "createdate_at", "basketvalue_units")
    typed.filter(
        ~bad, *(pl.col(column).is_not_null() for column in required)
    ).select(
        "order", "customer_id", "city", "devicename", "warehouse_id", "ratereason", "rating_value",
        "is_skipped", *(f"{column}_units" for column in MONEY),
        *(f"{column}_at" for column in TIMES),
    ).sink_parquet(path, compression="uncompressed")  # fmt: skip


def without_versions(accepted: pl.LazyFrame) -> pl.LazyFrame:
    """Return one version an order: that of the latest time, then of the greatest text."""
    repeated = (
        accepted.group_by("order").len().filter(pl.col("len") > 1)
        .select("order").collect(engine="streaming")["order"]
    )  # fmt: skip
    as_text = [pl.col(f"{column}_at").dt.strftime("%Y-%m-%d %H:%M:%S") for column in TIMES]
    amounts = (
        "basketvalue", "chargedamount", "deliveryfee", "discountamount", "suppliersupport",
        "thirdpartysupport", "aandm", "distance",
    )  # fmt: skip
    as_text += ["customer_id", *(_written_amount(f"{column}_units") for column in amounts)]
    as_text += [
        pl.col("rating_value").cast(pl.String),
        pl.when("is_skipped").then(pl.lit("true")).otherwise(pl.lit("false")),
        "ratereason", "city", "devicename", "warehouse_id",
    ]  # fmt: skip
    texts = [pl.col(text) if isinstance(text, str) else text for text in as_text]
    is_repeated = pl.col("order").is_in(repeated.implode())
    best = (
        accepted.filter(is_repeated)
        .with_columns(
            latest=pl.max_horizontal(*(f"{column}_at" for column in TIMES)),
            content=pl.concat_str([text.fill_null("") for text in texts], separator="|"),
        )
        .sort("latest", "content", descending=True)
        .unique("order", keep="first", maintain_order=True)
        .drop("latest", "content")
    )
    return pl.concat([accepted.filter(~is_repeated), best])


def _written_amount(units: str) -> pl.Expr:
    """Return an amount of units as text with four decimals."""
    cents = (pl.col(units) % UNITS).cast(pl.String).str.zfill(4)
    return pl.concat_str([(pl.col(units) // UNITS).cast(pl.String), cents], separator=".")


def date_of(orders: pl.LazyFrame) -> tuple[date, int]:
    """Return the last complete day of the shop, and the number of orders."""
    placed = pl.coalesce("checkoutdate_at", "createdate_at").dt.date()
    happened = pl.max_horizontal("createdate_at", "checkoutdate_at", "deliverdate_at").dt.date()
    by_day, by_event = pl.collect_all(
        [
            orders.group_by(placed.alias("day")).len().sort("day"),
            orders.group_by(happened.alias("day")).len().sort("day"),
        ],
        engine="streaming",
    )
    weeks = by_day.with_columns(week=pl.col("len").rolling_sum_by("day", "7d"))
    usual = weeks.filter(pl.col("week") >= 0.1 * pl.col("week").median())["day"]
    last, first = usual.max(), usual.min()
    events = by_event.filter(pl.col("day") <= last + 30 * ONE_DAY)["day"]
    as_of = last if events.max() > last else max(last - ONE_DAY, first)
    return as_of, int(by_day["len"].sum())


def write_lines(landing: Path, orders: pl.LazyFrame, path: Path) -> None:
    """Write the lines of accepted orders that break no rule, with all their versions."""
    typed = scan(landing, "product_detail").select(
        identifier("order_id").alias("order"),
        pl.col("price"),
        identifier("product_id").alias("product"),
        identifier("mastercategory_id").alias("category"),
        whole("_pos").alias("line"),
        whole("count").alias("quantity"),
        money("price").alias("price_units"),
    )
    (
        typed.filter(
            pl.col("product").is_not_null(),
            pl.col("line").is_between(-MOST_LINES + 1, MOST_LINES - 1),
            pl.col("quantity").is_between(1, LARGEST_QUANTITY),
            pl.col("price_units").is_not_null(),
            ~is_bad_amount("price", "price_units"),
        )
        .join(orders.select("order", "number"), on="order")
        .select(
            "number", "category", "quantity", "price_units",
            key=pl.col("number").cast(pl.Int64) * 2 * MOST_LINES + pl.col("line"),
        )
        .sink_parquet(path, compression="uncompressed")
    )  # fmt: skip


def without_line_versions(lines: pl.LazyFrame) -> pl.LazyFrame:
    """Return one version a line: the one whose quantity, then price, is greatest as text."""
    repeated = (
        lines.group_by("key").len().filter(pl.col("len") > 1)
        .select("key").collect(engine="streaming")["key"]
    )  # fmt: skip
    is_repeated = pl.col("key").is_in(repeated.implode())
    text = [pl.col("quantity").cast(pl.String), _written_amount("price_units")]
    best = (
        lines.filter(is_repeated)
        .with_columns(content=pl.concat_str(text, separator="|"))
        .sort("content", descending=True)
        .unique("key", keep="first", maintain_order=True)
        .drop("content")
    )
    return pl.concat([lines.filter(~is_repeated), best])


def margins_of(lines: pl.LazyFrame) -> pl.LazyFrame:
    """Return each order's margin rate in millionths, weighted by the values of its lines."""
    with MARGIN_RATES.open() as file:
        rates = {
            row["category"]: round(float(row["margin_rate"]) * 1e6)
            for row in csv.DictReader(file)
            if row["source"] == "market"
        }
    rate = pl.col("category").replace_strict(rates, default=1_000_000, return_dtype=pl.Int64)
    value = pl.col("quantity") * pl.col("price_units")
    weighted = divided(pl.col("weighted"), 10**10) / divided(pl.col("value"), UNITS)
    lowest = pl.col("lowest")
    return (
        lines.select("number", value=value, rate=rate)
        .group_by("number")
        .agg(
            weighted=(pl.col("value") * pl.col("rate")).sum(),
            value=pl.col("value").sum(),
            lowest=pl.col("rate").min(),
        )
        .select(
            "number",
            margin=pl.when(pl.col("value") != 0)
            .then(nearest(weighted * 1e6).cast(pl.Int64))
            .otherwise(lowest),
        )
    )


def device_class() -> pl.Expr:
    """Return ios, android, web or other from the name of a device."""
    name = pl.col("devicename").str.to_lowercase()
    android = (
        "samsung|galaxy|xiaomi|redmi|huawei|pixel|oneplus|oppo|android|nokia|motorola|realme|vivo"
    )
    return (
        pl.when(name.str.strip_chars(" ").fill_null("") == "").then(None)
        .when(name.str.contains("iphone|ipad")).then(pl.lit("ios"))
        .when(name.str.contains(android)).then(pl.lit("android"))
        .when(name.str.contains("web|browser")).then(pl.lit("web"))
        .otherwise(pl.lit("other"))
    )  # fmt: skip


def nearest(value: pl.Expr) -> pl.Expr:
    """Return the nearest whole numbers, halves away from zero.

    `round` takes 126337.49999999999 for a half.
    """
    size = value.abs()
    return value.sign() * (size.floor() + (size - size.floor() >= 0.5))


def as_decimal(value: pl.Expr, digits: int) -> pl.Expr:
    """Return a ratio rounded to digits, as a database casts one."""
    return divided(nearest(value * 10**digits), 10**digits)


def divided(value: pl.Expr, number: int) -> pl.Expr:
    """Return values divided by a number, correct to the last digit.

    Divided by a scalar, polars multiplies by its reciprocal, which may be one digit off.
    """
    return value / (value * 0 + number)


def single_view(
    landing: Path, orders: pl.LazyFrame, lines: pl.LazyFrame, as_of: date
) -> pl.LazyFrame:
    """Return one row a customer or prospect as of the date."""
    now = pl.lit(as_of)
    promoted = (
        scan(landing, "promo_detail")
        .select(identifier("order_id").alias("order"), identifier("promo_id").alias("promo"))
        .filter(pl.col("promo").is_not_null())
        .select("order").unique().with_columns(has_promo=pl.lit(True))
    )  # fmt: skip
    support = pl.col("suppliersupport_units").fill_null(0) + pl.col(
        "thirdpartysupport_units"
    ).fill_null(0)
    discount = pl.col("discountamount_units").fill_null(0)
    is_delivered = pl.col("checkoutdate_at").is_not_null() & pl.col("deliverdate_at").is_not_null()
    told = (
        orders.filter(pl.col("createdate_at").dt.date() <= now)
        .join(promoted, on="order", how="left")
        .join(margins_of(lines), on="number", how="left")
        .select(
            "customer", "has_promo", "distance_units",
            order_date=pl.col("checkoutdate_at").dt.date(),
            delivered_date=pl.col("deliverdate_at").dt.date(),
            is_delivered=is_delivered,
            looked_cancelled=pl.col("checkoutdate_at").is_not_null()
            & (pl.col("chargedamount_units") == 0).fill_null(False),
            basket=pl.col("basketvalue_units"),
            discount=discount,
            own_discount=pl.max_horizontal(pl.lit(0), discount - support),
            fee=pl.col("deliveryfee_units").fill_null(0),
            margin=pl.col("margin").fill_null(1_000_000),
        )
        .with_columns(
            revenue=pl.col("basket") - pl.col("own_discount") + pl.col("fee"),
            cost=(pl.col("basket") * (1_000_000 - pl.col("margin")) + 500_000) // 1_000_000,
            is_known=(pl.col("order_date") <= now).fill_null(False),
            is_success=(
                pl.col("is_delivered")
                & (pl.col("order_date") <= now)
                & (pl.col("delivered_date") <= now)
            ).fill_null(False),
        )
        .with_columns(
            cm=pl.col("revenue") - pl.col("cost"),
            is_recent=pl.col("is_success") & (pl.col("order_date") + 365 * ONE_DAY > now),
        )
    )  # fmt: skip
    good, recent = pl.col("is_success"), pl.col("is_recent")

    def total(column: str, of: pl.Expr) -> pl.Expr:
        return pl.when(of).then(pl.col(column)).otherwise(0).sum()

    distance = pl.when(good).then(pl.col("distance_units"))
    totals = told.group_by("customer").agg(
        order_count=pl.col("is_known").sum(),
        successful_order_count=good.sum(),
        cancelled_order_count=(
            pl.col("is_known") & pl.col("looked_cancelled") & ~good
        ).sum(),
        promo_order_count=(good & pl.col("has_promo").fill_null(False)).sum(),
        successful_orders_365d=recent.sum(),
        basket_value=total("basket", good),
        discount_amount=total("discount", good),
        own_discount=total("own_discount", good),
        net_revenue=total("revenue", good),
        cm2=total("cm", good),
        net_revenue_365d=total("revenue", recent),
        cm2_365d=total("cm", recent),
        distance_units=distance.sum(),
        distance_count=distance.count(),
        first_order_date=pl.when(good).then(pl.col("order_date")).min(),
        last_order_date=pl.when(good).then(pl.col("order_date")).max(),
    )  # fmt: skip
    # What needs neither revenue nor promotions goes by orders alone.
    successes = orders.filter(
        pl.col("createdate_at").dt.date() <= now,
        pl.col("checkoutdate_at").dt.date() <= now,
        pl.col("deliverdate_at").dt.date() <= now,
    ).select(
        "customer", "number", "city", "devicename",
        order_date=pl.col("checkoutdate_at").dt.date(),
        delivered_date=pl.col("deliverdate_at").dt.date(),
        ordered_at=pl.col("checkoutdate_at"),
        basket=pl.col("basketvalue_units"),
    )  # fmt: skip
    # The last order: of several at one second the one of the greater basket, then the first city.
    last_second = pl.col("ordered_at") == pl.col("ordered_at").max().over("customer")
    last = (
        successes.select("customer", "ordered_at", "basket", "city", "devicename")
        .filter(last_second)
        .with_columns(device_class=device_class())
        .sort(
            "basket", "city", "device_class",
            descending=[True, False, False], nulls_last=True,
        )
        .unique("customer", keep="first", maintain_order=True)
        .select("customer", "city", "device_class")
    )  # fmt: skip
    usual_gap = usual_gap_of(successes)

    bought = (
        lines.join(successes.select("number", "customer"), on="number")
        .filter(pl.col("category").is_not_null())
        .group_by("customer", "category")
        .agg(value=(pl.col("quantity") * pl.col("price_units")).sum())
    )
    categories = (
        bought.with_columns(most=pl.col("value").max().over("customer"))
        .group_by("customer")
        .agg(
            category_count=pl.len(),
            favourite_category=pl.when(pl.col("value") == pl.col("most"))
            .then(pl.col("category")).min(),
        )
    )  # fmt: skip
    ratings = (
        orders.filter(
            pl.col("ratedate_at").dt.date() <= now,
            pl.col("rating_value").is_not_null() | pl.col("is_skipped"),
        )
        .group_by("customer")
        .agg(
            rating_count=(~pl.col("is_skipped")).sum(),
            skipped_rating_count=pl.col("is_skipped").sum(),
            rating_sum=pl.when(~pl.col("is_skipped")).then(pl.col("rating_value")).sum(),
        )
    )
    # Texts of times are in the order of the times, so most opens go before anything is read.
    begin = as_of - 89 * ONE_DAY
    text = pl.col("appopendate")
    age = pl.col("age")
    opens = (
        scan(landing, "app_open")
        .filter((text >= begin.isoformat()) | text.str.starts_with(" "))
        .select(identifier("client_id").alias("customer_id"), moment("appopendate").alias("at"))
        .filter(pl.col("at").dt.date().is_between(begin, as_of))
        .unique()
        .with_columns(age=(now - pl.col("at").dt.date()).dt.total_days())
        .group_by("customer_id")
        .agg(
            *((age < days).sum().alias(f"app_opens_{days}d") for days in (7, 30, 90)),
        )
    )
    names = orders.select("customer", "customer_id").unique()
    count = pl.col("successful_order_count")
    is_customer = count > 0
    whole_numbers = ("category_count", "rating_count", "skipped_rating_count")
    windows = [f"app_opens_{days}d" for days in (7, 30, 90)]
    amounts = ("basket_value", "discount_amount", "own_discount", "net_revenue", "cm2")
    joined = (
        totals.join(names, on="customer")
        .join(last, on="customer", how="left")
        .join(categories, on="customer", how="left")
        .join(ratings, on="customer", how="left")
        .join(opens, on="customer_id", how="left")
        .with_columns(
            *(pl.col(column).fill_null(0) for column in (*whole_numbers, *windows)),
            recency_days=(now - pl.col("last_order_date")).dt.total_days(),
            tenure_days=(now - pl.col("first_order_date")).dt.total_days(),
            between=(pl.col("last_order_date") - pl.col("first_order_date")).dt.total_days(),
            usual_gap=usual_gap,
            is_customer=is_customer,
            divisor=pl.when(is_customer).then(count),
        )
        .with_columns(
            expected_gap_days=as_decimal(
                (pl.col("between") + 2 * pl.col("usual_gap")) / (count + 1), 2
            ),
        )
        .with_columns(
            overdue_ratio=as_decimal(
                pl.col("recency_days")
                / pl.when(pl.col("expected_gap_days") != 0).then(pl.col("expected_gap_days")),
                2,
            ),
        )
    )

    def ratio(numerator: pl.Expr, denominator: pl.Expr, digits: int) -> pl.Expr:
        return as_decimal(numerator / pl.when(denominator != 0).then(denominator), digits)

    euros = {column: divided(pl.col(column), UNITS) for column in amounts}
    stage = (
        pl.when(count == 0).then(pl.lit("prospect"))
        .when(pl.col("recency_days") >= 365).then(pl.lit("dormant"))
        .when(pl.col("overdue_ratio") >= 2).then(pl.lit("overdue"))
        .when((count == 1) & (pl.col("tenure_days") <= 30)).then(pl.lit("new"))
        .otherwise(pl.lit("active"))
    )  # fmt: skip
    return joined.select(
        "customer_id",
        "city",
        "device_class",
        "favourite_category",
        "order_count",
        "successful_order_count",
        "cancelled_order_count",
        "promo_order_count",
        "successful_orders_365d",
        "category_count",
        "rating_count",
        "skipped_rating_count",
        *windows,
        "recency_days",
        "tenure_days",
        "expected_gap_days",
        "overdue_ratio",
        "is_customer",
        "first_order_date",
        "last_order_date",
        lifecycle_stage=stage,
        gap_count=pl.col("divisor") - 1,
        rating_sum=pl.when(pl.col("rating_count") > 0).then(pl.col("rating_sum")),
        **{column: pl.when("is_customer").then(value) for column, value in euros.items()},
        cm1=pl.when("is_customer").then(euros["cm2"]),
        **{
            f"{column}_365d": pl.when(pl.col("successful_orders_365d") > 0).then(
                divided(pl.col(f"{column}_365d"), UNITS)
            )
            for column in ("net_revenue", "cm2")
        },
        average_order_value=as_decimal(euros["net_revenue"] / pl.col("divisor"), 4),
        promo_share=as_decimal(pl.col("promo_order_count") / pl.col("divisor"), 6),
        own_discount_share=ratio(euros["own_discount"], euros["basket_value"], 6),
        cm2_rate=ratio(euros["cm2"], euros["net_revenue"], 6),
        mean_rating=ratio(pl.col("rating_sum"), pl.col("rating_count"), 6),
        average_distance_km=ratio(
            divided(pl.col("distance_units"), UNITS), pl.col("distance_count"), 3
        ),
        is_overdue=(pl.col("overdue_ratio") >= 2).fill_null(False),
        as_of_date=now,
    )


def usual_gap_of(successes: pl.LazyFrame) -> float | None:
    """Return the median of the days from the latest order known before to each next one."""
    known = pl.max_horizontal("order_date", "delivered_date").alias("known_date")
    latest = pl.col("order_date").cum_max().shift(1).over("customer")
    gap = (pl.col("order_date") - latest).dt.total_days()
    gaps = (
        successes.select("customer", "order_date", "ordered_at", known)
        .sort("customer", "known_date", "ordered_at")
        .select(gap=pl.max_horizontal(gap, pl.when(gap.is_not_null()).then(0)))
    )
    return gaps.select(pl.col("gap").median()).collect(engine="streaming").item()


def main() -> None:
    """Compute the single view and write it."""
    landing, result = Path(sys.argv[1]), Path(sys.argv[2])
    work = Path(tempfile.mkdtemp(prefix="polars-", dir=result.parent))
    try:
        write_accepted_orders(landing, work / "accepted.parquet")
        kept = without_versions(pl.scan_parquet(work / "accepted.parquet"))
        customers = (
            kept.select("customer_id").unique().with_row_index("customer").collect(
                engine="streaming"
            )
        )  # fmt: skip
        kept.join(customers.lazy(), on="customer_id").with_row_index("number").sink_parquet(
            work / "orders.parquet", compression="uncompressed"
        )
        del customers
        orders = pl.scan_parquet(work / "orders.parquet")
        as_of, _ = date_of(orders)
        write_lines(landing, orders, work / "lines.parquet")
        lines = without_line_versions(pl.scan_parquet(work / "lines.parquet"))
        single_view(landing, orders, lines, as_of).sink_parquet(result)
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
