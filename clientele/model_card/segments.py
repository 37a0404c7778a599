"""What the segments' card says beside the numbers: verdicts, the gate, what is telling."""

from __future__ import annotations

from collections.abc import Iterable

from clientele.model_card.cautions import CARE, STOP, Caution
from clientele.model_card.reading import Row
from clientele.pages.rounding import NOT_KNOWN, Z_95, Estimate, number, percent
from clientele.pages.telling import TELLING, most_telling

MANY_ON_THE_BORDER = 0.25
FLAT_PICTURE = 0.5  # explained variance below which the map hides more than it shows

# Badge, its class, and what is served.
VERDICTS = {
    "segmented": ("Clusters are served", "published", "clusters"),
    "rules_better": ("Rules are served: they explain as much", "withheld", "rule segments"),
    "no_eligible_k": ("Rules are served: no clusters passed", "withheld", "rule segments"),
    "unsegmented": ("Rules are served: nothing was fitted", "withheld", "rule segments"),
}
STATES = {
    "keep": ("Keep", "published", "Nothing is to be done before the next date below."),
    "watch": ("Watch", "withheld", "Nothing is broken yet. Look again at the next build."),
    "refit": (
        "Refit",
        "suspected_leak",
        "A limit is broken or the date has come. A build on that date fits anew; refit: true now.",
    ),
    "redesign": (
        "Redesign",
        "suspected_leak",
        "Fitting anew would not last: other features or fewer segments are needed.",
    ),
}
# Measure, its words, how to read it, decimals, whether a percentage.
GATE = (
    ("bootstrap_agreement", "Bootstrap", "labels come back for customers drawn anew", 2, False),
    ("cluster_jaccard", "Each cluster", "the least stable cluster comes back", 2, False),
    ("prediction_strength", "Prediction", "one half of the shop predicts the other", 2, False),
    ("smallest_customer_count", "Customers", "in the smallest cluster", 0, False),
    ("smallest_share", "Share", "of the smallest cluster", 1, True),
    ("seed_agreement", "Seeds", "other starting points find the same", 2, False),
)  # fmt: skip


def prepared(card: Row) -> Row:
    """Return a source's segments with what is telling of each, and with cautions.

    card: `segments` of a source as `read_shops` returns it.
    """
    explained = sum(
        {row["component"]: row["explained_variance_share"] for row in card["axes"]}.values()
    )
    return {
        **card,
        "groups": [{**group, "telling": telling(group["metrics"])} for group in card["groups"]],
        "cautions": cautions(card),
        "explained": explained,
        "is_flat": explained < FLAT_PICTURE,
        "directions": {
            component: [row for row in card["axes"] if row["component"] == component][:3]
            for component in (1, 2)
        },
    }


def telling(metrics: Iterable[Row]) -> list[Row]:
    """Return the metrics in which a segment differs most from all customers, with their words."""
    return [{**row, "words": TELLING[row["metric"]]} for row in most_telling(metrics)]


def metric_value(value: float | None, unit: str) -> str:
    """Return the value of a metric with its unit."""
    if value is None:
        return NOT_KNOWN
    if unit == "share":
        return percent(value, 1 if abs(value) < 0.1 else 0)
    digits = 0 if unit == "days" or abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return number(value, digits) + ("\N{NO-BREAK SPACE}km" if unit == "km" else "")


def with_error(value: float | None, error: float | None) -> Estimate:
    """Return a value with the 95 % interval of its standard error."""
    if value is None or error is None:
        return Estimate(value)
    return Estimate(value, value - Z_95 * error, value + Z_95 * error)


def cautions(card: Row) -> list[Caution]:
    """Return what the tables say against relying on the segments, the worst first."""
    found = []
    contract: Row = card["maintenance"] or {}
    if contract.get("maintenance_state") == "redesign":
        found.append(
            Caution(STOP, "They do not last", "Do not build a campaign plan on them: within weeks "
                    "many customers would be in another segment if it were fitted anew.")
        )  # fmt: skip
    if contract.get("contract_status") == "not_established":
        found.append(
            Caution(CARE, "Nobody knows how long they last", "The past is too short or too "
                    "unsteady for a promise; the interval below is an assumption.")
        )  # fmt: skip
    judged = [group for group in card["groups"] if group["borderline_share"] is not None]
    size = sum(group["customer_count"] for group in judged)
    border = sum(group["borderline_share"] * group["customer_count"] for group in judged)
    if size and border / size > MANY_ON_THE_BORDER:
        found.append(
            Caution(CARE, "Many stand on the border", f"{percent(border / size)} of customers are "
                    "nearly as close to a second segment. Leave them out (is_borderline) where a "
                    "message fits one segment alone.")
        )  # fmt: skip
    small = [group for group in card["groups"] if group["cm2_share"] is None]
    if small:
        names = ", ".join(group["segment_name"] for group in small)
        found.append(
            Caution(CARE, "Too few to be described", f"Fewer than 10 customers: {names}. Their "
                    "number is told and nothing else.")
        )  # fmt: skip
    return found
