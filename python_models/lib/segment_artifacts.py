"""The segmentation of a source as rows of one long table, which SQL models take apart.

Each row is a fact of one version: its status, a feature's scaling, a measure of a k, a coordinate
of a centroid, a name. A row is a mapping of the columns that it fills; `typed` makes the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

import segment_choice
import segment_gate
import segment_lineage
import segment_stability
import segmentation

TEXTS = ("source", "model_version", "artifact", "item", "detail", "note")
COUNTS = ("k", "segment_id", "lag_days")
COLUMNS = [
    "source", "model_version", "fitted_as_of", "artifact", "k", "segment_id", "item", "detail",
    "lag_days", "value", "note",
]  # fmt: skip
# The version that stands for a try without enough data; the next try replaces it.
UNTRAINED = "untrained"
SCALING_ITEMS = ("lower", "upper", "mean", "standard_deviation")


Row = dict[str, object]


@dataclass(frozen=True)
class KeptModel:
    """The clusters of a kept version; centroids are segments x features, standardised."""

    version: str
    features: list[str]
    scaling: segmentation.Scaling
    segment_ids: list[int]
    centroids: np.ndarray
    names: dict[int, tuple[str | None, str]]  # archetype and name by segment id

    def assign(self, customers: pd.DataFrame) -> np.ndarray:
        """Return the number from 0 of each customer's segment; what is unknown counts as average.

        customers: one row each with the features, in their own units.
        """
        values = self.scaling.apply(customers[self.features].to_numpy(dtype=float))
        return segmentation.assign(np.nan_to_num(values, nan=0.0), self.centroids)


def unsegmented_rows(customer_count: int, reason: str) -> list[Row]:
    """Return the rows of a try that found too little to segment."""
    return [
        {
            "artifact": "status",
            "item": "unsegmented",
            "value": float(customer_count),
            "note": reason,
        }
    ]


def dropped_rows(reasons: Mapping[str, str]) -> list[Row]:
    """Return why features were left out; reasons: '' for a feature that is kept."""
    return [
        {"artifact": "dropped", "item": feature, "note": why}
        for feature, why in reasons.items()
        if why
    ]


def scaling_rows(kept: list[str], scaling: segmentation.Scaling) -> list[Row]:
    """Return the winsorising bounds and the moments of each kept feature."""
    return [
        {
            "artifact": f"scaling_{item}",
            "item": feature,
            "value": float(getattr(scaling, item)[index]),
        }
        for index, feature in enumerate(kept)
        for item in SCALING_ITEMS
    ]


def centroid_rows(kept: list[str], segment_ids: list[int], centroids: np.ndarray) -> list[Row]:
    """Return the coordinates of each segment's centre, in standardised units."""
    return [
        {
            "artifact": "centroid",
            "k": len(segment_ids),
            "segment_id": segment_id,
            "item": feature,
            "value": float(value),
        }
        for segment_id, centroid in zip(segment_ids, centroids, strict=True)
        for feature, value in zip(kept, centroid, strict=True)
    ]


def choice_rows(
    choice: segment_choice.Choice,
    measured: Sequence[segment_gate.Measured],
    explained: Mapping[int, tuple[float, float]],
    by_rules: tuple[float, float] | None,
    limits: segment_gate.GateLimits,
    customer_count: int,
) -> list[Row]:
    """Return the status, every measure of every k with the thresholds, the knee and the rules.

    explained, by_rules: usefulness and its standard error, by k and of the rules.
    """
    rows: list[Row] = [
        {
            "artifact": "status",
            "item": choice.status,
            "k": choice.k,
            "value": float(measured[0].row_count),
            "note": choice.reason,
        }
    ]
    rows += [
        {"artifact": "threshold", "item": name, "value": value}
        for name, value in limits.thresholds().items()
    ]
    unknown = (float("nan"), float("nan"))
    by_k: list[tuple[int | None, dict[str, float]]] = []
    for one in measured:
        value, error = explained.get(one.k, unknown)
        by_k.append(
            (
                one.k,
                one.scores(customer_count) | {"usefulness": value, "usefulness_error": error},
            )
        )
    value, error = by_rules or unknown
    by_k.append((None, {"usefulness": value, "usefulness_error": error}))
    rows += [
        {"artifact": "k_score", "k": k, "item": name, "value": value}
        for k, scores in by_k
        for name, value in scores.items()
    ]
    knee = segment_choice.find_knee(measured)
    return rows + ([{"artifact": "knee", "k": knee}] if knee is not None else [])


def projection_rows(features: list[str], loadings: np.ndarray, shares: np.ndarray) -> list[Row]:
    """Return two principal components: loadings (2 x features), shares of variance (2)."""
    rows: list[Row] = []
    for number, (component, share) in enumerate(zip(loadings, shares, strict=True), start=1):
        detail = str(number)
        rows.append({"artifact": "explained_variance", "detail": detail, "value": float(share)})
        rows += [
            {"artifact": "loading", "item": feature, "detail": detail, "value": float(loading)}
            for feature, loading in zip(features, component, strict=True)
        ]
    return rows


def lineage_rows(
    found: Sequence[segment_lineage.Descent], ids: Sequence[int], previous: KeptModel | None
) -> list[Row]:
    """Return what became of the segments of the previous model; ids: those of the new segments."""
    return [
        {
            "artifact": "lineage",
            "segment_id": None if one.segment is None else ids[one.segment],
            "item": one.relation,
            "detail": str(previous.segment_ids[one.previous])
            if previous is not None and one.previous is not None
            else None,
            "value": one.overlap_share,
            "note": previous.version if previous is not None else None,
        }
        for one in found
    ]


def contract_rows(
    tested: segment_stability.Backtest,
    moved: Mapping[int, tuple[float, float]],
    agreed: segment_stability.Contract,
    assign_interval_days: int | None,
) -> list[Row]:
    """Return the backtest, the movement by days (share of customers and of cm2), the contract."""
    rows: list[Row] = []
    for row in tested.rows:
        about = {
            "artifact": "stability",
            "detail": row.origin.isoformat(),
            "lag_days": row.lag_days,
        }
        rows += [about | {"item": name, "value": value} for name, value in row.measures().items()]
    for days, shares in moved.items():
        rows += [
            {"artifact": "movement", "lag_days": days, "item": item, "value": share}
            for item, share in zip(("customers", "cm2"), shares, strict=True)
        ]
    numbers = agreed.measures() | {"assign_interval_days": assign_interval_days}
    rows += [
        {"artifact": "contract", "item": name, "value": None if value is None else float(value)}
        for name, value in numbers.items()
    ]
    rows.append({"artifact": "contract", "item": "contract_status", "note": agreed.status})
    rows.append({"artifact": "contract", "item": "breach", "note": agreed.breach})
    return rows + [
        {"artifact": "backtest_dropped", "item": feature, "note": why}
        for feature, why in tested.dropped.items()
    ]


def kept_model(rows: pd.DataFrame) -> KeptModel | None:
    """Return the clusters that the rows of one version describe, or None where it has none.

    rows: the version's rows with artifact, segment_id, item, value and note.
    """
    centroids = rows[rows["artifact"] == "centroid"]
    if centroids.empty:
        return None
    wide = centroids.pivot(index="segment_id", columns="item", values="value").sort_index()
    features = list(wide.columns)
    scaling = segmentation.Scaling(
        *(
            rows[rows["artifact"] == f"scaling_{item}"]
            .set_index("item")["value"]
            .loc[features]
            .to_numpy(dtype=float)
            for item in SCALING_ITEMS
        )
    )
    names = {
        int(segment_id): (None if pd.isna(archetype) else str(archetype), str(name))
        for segment_id, archetype, name in rows.loc[
            rows["artifact"] == "name", ["segment_id", "item", "note"]
        ].itertuples(index=False)
    }
    return KeptModel(
        str(rows["model_version"].iloc[0]),
        features,
        scaling,
        [int(segment_id) for segment_id in wide.index],
        wide.to_numpy(dtype=float),
        names,
    )


def typed(rows: Iterable[Mapping]) -> pd.DataFrame:
    """Return the rows as a frame whose column types do not depend on what is in them."""
    frame = pd.DataFrame(list(rows), columns=COLUMNS)
    frame["fitted_as_of"] = pd.to_datetime(frame["fitted_as_of"])
    for column in COUNTS:
        frame[column] = frame[column].astype("Int64")
    frame["value"] = frame["value"].astype("float64")
    for column in TEXTS:
        frame[column] = frame[column].astype("string")
    return frame
