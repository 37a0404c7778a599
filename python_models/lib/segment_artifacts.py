"""The segmentation of a source as rows of one long table, which SQL models take apart.

Each row is a fact of one version: its status, a feature's scaling, a measure of a k, a coordinate
of a centroid, a name. A row is a mapping of the columns that it fills; `typed` makes the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

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


@dataclass(frozen=True)
class KeptModel:
    """The clusters of a kept version; centroids are segments x features, standardised."""

    version: str
    features: list[str]
    scaling: segmentation.Scaling
    segment_ids: list[int]
    centroids: np.ndarray
    names: dict[int, tuple[str | None, str]]  # archetype and name by segment id


def untrained_rows(fitted_because: str, customer_count: int, reason: str) -> list[dict]:
    """Return the rows of a try that found too little to segment."""
    return [
        {"artifact": "fitted_because", "note": fitted_because},
        {
            "artifact": "status",
            "item": "unsegmented",
            "value": float(customer_count),
            "note": reason,
        },
    ]


def dropped_rows(reasons: Mapping[str, str]) -> list[dict]:
    """Return why features were left out; reasons: '' for a feature that is kept."""
    return [
        {"artifact": "dropped", "item": feature, "note": why}
        for feature, why in reasons.items()
        if why
    ]


def scaling_rows(kept: list[str], scaling: segmentation.Scaling) -> list[dict]:
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


def centroid_rows(kept: list[str], segment_ids: list[int], centroids: np.ndarray) -> list[dict]:
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
