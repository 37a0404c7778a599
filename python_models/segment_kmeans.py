"""The k-means segmentation of every source, as one long table that SQL models take apart.

One row per source and fact of the model: its status, a feature's scaling, a score of a k, a
coordinate of a centroid, a segment's name. Parameters stand in segment_kmeans.yml.
"""

import pandas as pd

import segmentation

COLUMNS = ["source", "artifact", "k", "segment_id", "item", "value", "note"]


def artifacts(source, frame, playbook, features, k_values, seed, min_customers):
    """Return the rows of one source.

    frame: its customers' features; playbook: the archetypes; the rest as `segmentation.segment`.
    """
    fitted, dropped, reason = segmentation.segment(
        frame, features, k_values=k_values, seed=seed, min_customers=min_customers
    )
    status = "segmented" if fitted else "unsegmented"
    rows = [(source, "status", None, None, status, float(len(frame)), reason)]
    rows += [
        (source, "dropped", None, None, name, None, why) for name, why in dropped.items() if why
    ]
    if fitted is None:
        return rows
    for index, name in enumerate(fitted.kept):
        for item in ("lower", "upper", "mean", "standard_deviation"):
            value = float(getattr(fitted.scaling, item)[index])
            rows.append((source, f"scaling_{item}", None, None, name, value, None))
    for score in fitted.scores:
        for item in (
            "inertia", "silhouette", "calinski_harabasz", "davies_bouldin", "smallest_share",
        ):  # fmt: skip
            rows.append((source, "k_score", score.k, None, item, getattr(score, item), None))
    if fitted.knee is not None:
        rows.append((source, "knee", fitted.knee, None, None, None, None))
    matched = segmentation.match_archetypes(fitted.centroids, fitted.kept, playbook)
    names = segmentation.unique_names(
        [
            archetype or segmentation.describe_centroid(centroid, fitted.kept)
            for archetype, centroid in zip(matched, fitted.centroids, strict=True)
        ]
    )
    k = len(fitted.centroids)
    for number, centroid in enumerate(fitted.centroids, start=1):
        rows.append((source, "name", k, number, matched[number - 1], None, names[number - 1]))
        for name, value in zip(fitted.kept, centroid, strict=True):
            rows.append((source, "centroid", k, number, name, float(value), None))
    return rows


def typed(rows):
    """Return the rows as a frame whose column types do not depend on what is in them."""
    frame = pd.DataFrame(rows, columns=COLUMNS)
    for column in ("k", "segment_id"):
        frame[column] = frame[column].astype("Int64")
    frame["value"] = frame["value"].astype("float64")
    for column in ("source", "artifact", "item", "note"):
        frame[column] = frame[column].astype("string")
    return frame


def model(dbt, session):
    """Fit each source on its own and return the model as a table."""
    # dbt finds parameters and references by reading these lines: each is an assignment of its own.
    features = dbt.config.meta_get("features")
    k_min = dbt.config.meta_get("k_min")
    k_max = dbt.config.meta_get("k_max")
    seed = dbt.config.meta_get("seed")
    sample_rows = dbt.config.meta_get("sample_rows")
    min_customers = dbt.config.meta_get("min_customers")

    customers = dbt.ref("customer_features")
    playbook = dbt.ref("segment_playbook")
    shops = dbt.ref("int_as_of")

    sources = sorted(row[0] for row in shops.project("source").fetchall())
    archetypes = playbook.df()
    rows = []
    for source in sources:
        sample = (
            customers.filter(f"source = '{source}'")
            .order("sample_key")
            .limit(sample_rows)
            .project(", ".join(["sample_key", *features]))
            .df()
        )
        rows += artifacts(
            source, sample, archetypes, features, range(k_min, k_max + 1), seed, min_customers
        )
    return typed(rows)
