"""The truth behind a simulated shop, for tests: customers, the shop, the mess."""

from __future__ import annotations

import numpy as np
import pandas as pd

from clientele.simulator.assortment import CATEGORY_NAMES, DRIFT_PRICE_LEVEL
from clientele.simulator.customer_types import NO_SIGNAL_PAUSE_DAYS
from clientele.simulator.customers import SPEND_SHAPE, Customers
from clientele.simulator.landing import LandingWriter
from clientele.simulator.mess import DEFECTS, HARMLESS
from clientele.simulator.orders import NEVER, Orders
from clientele.simulator.plan import ShopPlan
from clientele.simulator.purchases import SUCCESS_SHARE, Purchases, true_repeat_probability
from clientele.simulator.sales import Sales
from clientele.simulator.season import Season
from clientele.simulator.tables import CLIENT


def write_truth_customers(
    writer: LandingWriter,
    plan: ShopPlan,
    customers: Customers,
    purchases: Purchases,
    orders: Orders,
    season: Season,
) -> None:
    """Write one row per customer: the parameters it was drawn with, and what became of it.

    Rates are per shop day (see `season`), which is a calendar day on average; money is in currency
    units. The columns `*_after_drift` are null where drift is off.
    """
    first_order = _first_time(purchases.customer, purchases.placed, customers.count)
    delivered = orders.delivered != NEVER
    first_success = _first_time(
        orders.customer[delivered], orders.placed[delivered], customers.count
    )
    names = [kind.name for kind in customers.types]
    frame = pd.DataFrame(
        {
            "client": customers.client_number,
            "latent_type": pd.Categorical.from_codes(customers.before.type_code, names),
            "rate": customers.before.rate,
            "p": customers.before.dropout,
            "promo": customers.before.promo,
            "type_after": pd.Categorical.from_codes(customers.after.type_code, names),
            "rate_after": customers.after.rate,
            "p_after": customers.after.dropout,
            "promo_after": customers.after.promo,
            "first_order": first_order,
            "first_success": first_success,
            "dropped": purchases.dropped,
            "exposure": purchases.exposure,
            "placed": np.bincount(purchases.customer, minlength=customers.count),
            "spend_mean": customers.spend_mean,
            "browse_rate": customers.before.browse_rate,
            "distance": customers.distance,
            "rating_bias": customers.rating_bias,
            "favourite": pd.Categorical.from_codes(
                customers.taste.argmax(axis=1), list(CATEGORY_NAMES)
            ),
            "repeat_90": true_repeat_probability(plan, customers, season, first_success),
        }
        | {f"taste_{name}": customers.taste[:, i] for i, name in enumerate(CATEGORY_NAMES)}
    )
    taste = ", ".join(f"round(taste_{name}, 4)::float" for name in CATEGORY_NAMES)
    after = {
        "type_after_drift": "type_after::varchar",
        "purchase_rate_after_drift": "rate_after",
        "dropout_probability_after_drift": "p_after",
        "promo_probability_after_drift": "promo_after",
        "spend_mean_after_drift": f"spend_mean * {DRIFT_PRICE_LEVEL}::double",
    }
    drifted = ", ".join(
        f"case when {plan.drift} then {value} end as {name}" for name, value in after.items()
    )
    select = f"""
        {CLIENT} as client_id,
        latent_type::varchar as latent_type,
        rate as purchase_rate,
        p as dropout_probability,
        clock(first_order)::timestamp as acquired_at,
        clock(dropped)::timestamp as dropped_at,
        clock(first_success)::timestamp as first_successful_at,
        placed::integer as placed_orders,
        exposure as active_days,
        spend_mean,
        promo as promo_probability,
        favourite::varchar as favourite_mastercategory,
        [{taste}] as taste,
        distance as home_distance,
        browse_rate,
        rating_bias,
        case when not isnan(repeat_90) then repeat_90 end as true_repeat_90_probability,
        {drifted}
    """
    writer.write_truth("truth_customers", frame, select)


def write_truth_shop(writer: LandingWriter, plan: ShopPlan) -> None:
    """Write the one row that says how the shop was made."""
    frame = pd.DataFrame(
        {
            "customers": [plan.customers],
            "start_date": [plan.start.isoformat()],
            "end_date": [plan.end.isoformat()],
            "seed": [plan.seed],
            "mess": [plan.mess],
            "is_no_signal": [plan.no_signal],
            "is_drift": [plan.drift],
            "drift_date": [plan.turning_date.isoformat()],
            "drift_price_level": [DRIFT_PRICE_LEVEL if plan.drift else 1.0],
            "spend_shape": [SPEND_SHAPE],
            "success_share": [SUCCESS_SHARE],
            "pause_days": [NO_SIGNAL_PAUSE_DAYS if plan.no_signal else 0.0],
        }
    )
    select = """* replace (
        start_date::date as start_date,
        end_date::date as end_date,
        case when is_drift then drift_date::date end as drift_date
    )"""
    writer.write_truth("truth_shop", frame, select)


def gap_counts(sales: Sales) -> np.ndarray:
    """Return how many sales of the gap are there, and how many are missing."""
    return np.array([(sales.is_in_gap & sales.is_kept).sum(), (~sales.is_kept).sum()])


def write_truth_gap(writer: LandingWriter, plan: ShopPlan, counts: np.ndarray) -> None:
    """Write the one row of the gap: its days, and the `gap_counts` of the whole shop.

    Without a gap the days are null and the counts zero.
    """
    first, last = plan.gap or (None, None)
    frame = pd.DataFrame(
        {
            "first_date": [str(first)],
            "last_date": [str(last)],
            "kept_count": [int(counts[0])],
            "missing_count": [int(counts[1])],
        }
    )
    dates = [f"try_cast({name} as date) as {name}" for name in ("first_date", "last_date")]
    writer.write_truth("truth_gap", frame, f"{', '.join(dates)}, kept_count, missing_count")


def write_truth_mess(writer: LandingWriter, counts: dict[str, np.ndarray]) -> None:
    """Write one row per table and kind of defect with the number of rows that have it.

    `effect` is `copy` (a row was added), `change` (a value was spoilt) or `harmless` (a value is
    written oddly, but means the same).

    Args:
        counts: of each table one number a kind, in the order of `DEFECTS`.
    """
    rows = [
        (table, defect.kind, defect.effect, defect.effect != HARMLESS, int(count))
        for table, numbers in counts.items()
        for defect, count in zip(DEFECTS[table], numbers, strict=True)
    ]
    frame = pd.DataFrame(rows, columns=["table_name", "kind", "effect", "is_fault", "row_count"])
    select = "table_name::varchar as table_name, * exclude (table_name)"
    writer.write_truth("truth_mess", frame, select)


def _first_time(customer: np.ndarray, second: np.ndarray, customers: int) -> np.ndarray:
    """Return each customer's first second, NEVER where there is none."""
    none = np.iinfo(np.int64).max
    first = np.full(customers, none)
    np.minimum.at(first, customer, second)
    return np.where(first == none, NEVER, first)
