"""The k-means segmentation of every source, as one long table that SQL models take apart.

One row per source and fact of the model: its status, a feature's scaling, a score of a k, a
coordinate of a centroid, a segment's name. Parameters stand in segment_kmeans.yml.
"""

import pandas as pd

import segmentation
import segment_stability as st
import rule_segments
import os

EXTRA = []

COLUMNS = ["source", "model_version", "fitted_as_of", "artifact", "k", "segment_id", "item", "detail", "lag_days", "value", "note"]


def artifacts(source, frame, playbook, features, k_values, seed, min_customers):
    """Return the rows of one source.

    frame: its customers' features; playbook: the archetypes; the rest as `segmentation.segment`.
    """
    fitted, dropped, reason = segmentation.segment(
        frame, features, k_values=k_values, seed=seed, min_customers=min_customers
    )
    import os
    rules = bool(os.environ.get("STAND_IN_RULES"))
    status = ("rules_better" if rules else "segmented") if fitted else "unsegmented"
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
        for item, value in {"bootstrap_agreement": .9 - .02*score.k, "cluster_jaccard": .85 - .02*score.k, "prediction_strength": .95-.03*score.k, "smallest_customer_count": 100.0 * 8 / score.k, "seed_agreement": 1.0, "usefulness": .2 + .01*score.k, "usefulness_error": .011, "gap": .5, "gap_error": .01}.items():
            rows.append((source, "k_score", score.k, None, item, value, None))
        for item in (
            "inertia", "silhouette", "calinski_harabasz", "davies_bouldin", "smallest_share",
        ):  # fmt: skip
            rows.append((source, "k_score", score.k, None, item, getattr(score, item), None))
    for item, value in {"bootstrap_agreement": .8, "cluster_jaccard": .75, "prediction_strength": .8, "smallest_customer_count": 100.0, "smallest_share": .01, "seed_agreement": .95}.items():
        rows.append((source, "threshold", None, None, item, value, None))
    for item, value in {"usefulness": .19, "usefulness_error": .01, "segment_count": 11.0}.items():
        rows.append((source, "k_score", None, None, item, value, None))
    rows.append((source, "fitted_because", None, None, None, None, "no version was fitted by this date"))
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
    rows[0] = (source, "status", k, None, status, float(len(frame)), reason)
    if rules:
        return rows
    for number, centroid in enumerate(fitted.centroids, start=1):
        rows.append((source, "name", k, number, matched[number - 1], None, names[number - 1]))
        for name, value in zip(fitted.kept, centroid, strict=True):
            rows.append((source, "centroid", k, number, name, float(value), None))
    return rows


def typed(rows):
    """Return the rows as a frame whose column types do not depend on what is in them."""
    frame = pd.DataFrame(rows, columns=["source", "artifact", "k", "segment_id", "item", "value", "note", "model_version", "fitted_as_of"])
    frame["detail"] = None
    frame["lag_days"] = None
    frame = frame[COLUMNS]
    frame = pd.concat([frame, pd.DataFrame(EXTRA, columns=COLUMNS)], ignore_index=True)
    for column in ("k", "segment_id", "lag_days"):
        frame[column] = frame[column].astype("Int64")
    frame["value"] = frame["value"].astype("float64")
    for column in ("source", "artifact", "item", "note", "model_version", "detail"):
        frame[column] = frame[column].astype("string")
    frame["fitted_as_of"] = pd.to_datetime(frame["fitted_as_of"]).astype("datetime64[us]")
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

    sources = sorted(shops.project("source, as_of_date").fetchall())
    archetypes = playbook.df()
    rows = []
    for source, as_of in sources:
        sample = (
            customers.filter(f"source = '{source}'")
            .order("sample_key")
            .limit(sample_rows)
            .project(", ".join(["sample_key", *features]))
            .df()
        )
        found = artifacts(
            source, sample, archetypes, features, range(k_min, k_max + 1), seed, min_customers
        )
        version = "untrained" if found[0][4] == "unsegmented" else as_of.isoformat()
        rows += [row + (version, as_of) for row in found]
        history_rel = dbt.ref("customer_feature_history")
        cells_rel = dbt.ref("rfm_cells")
        status_rel = dbt.ref("rfm_status")
        if version == "untrained":
            continue
        import time
        began, cpu = time.time(), time.process_time()
        numbers = sorted(history_rel.filter(f"source = '{source}' and is_month_end").project("as_of_number, as_of_date").distinct().fetchall())
        slices = [st.Slice(day, number, history_rel.filter(f"source = '{source}' and as_of_number = {number} and as_of_date = date '{day}'").df()) for number, day in numbers]
        print("READ", source, time.process_time() - cpu, time.time() - began, [len(x.frame) for x in slices])
        kept = [r[4] for r in found if r[1] == "scaling_mean"]
        k = next(r[2] for r in found if r[1] == "status")
        is_scored = status_rel.filter(f"source = '{source}'").project("rfm_status").fetchall()[0][0] == "scored"
        segmenter = rule_segments.RuleSegmenter(cells_rel.df(), is_scored) if os.environ.get("STAND_IN_RULES") else st.KMeansSegmenter(tuple(kept), k, seed)
        cpu = time.process_time()
        limits = st.StabilityLimits()
        tested = st.backtest(slices, segmenter, limits, kept)
        promise = st.contract(tested.rows, limits)
        print("BACKTEST", source, k, time.process_time() - cpu, tested.dates, tested.dropped, promise)
        def add(artifact, item, detail, lag, value, note=None):
            EXTRA.append((source, version, as_of, artifact, None, None, item, detail, lag, value, note))
        for row in tested.rows:
            for item, value in row.measures().items():
                add("stability", item, row.origin.isoformat(), row.lag_days, value)
        add("contract", "contract_status", None, None, None, promise.status)
        if promise.breach:
            add("contract", "breach", None, None, None, promise.breach)
        for item, value in promise.measures().items():
            add("contract", item, None, None, value)
        for days, share in ((1, 0.004), (7, 0.02), (14, 0.04), (30, 0.08)):
            add("movement", "customers", None, days, share)
            add("movement", "cm2", None, days, share / 2)
        add("contract", "assign_interval_days", None, None, st.assign_interval({1: 0.004, 7: 0.02, 14: 0.04, 30: 0.08}, limits))
        for feature in kept:
            edges, shares = st.psi_bins(sample[feature].to_numpy(dtype=float))
            for number, share in enumerate(shares, start=1):
                add("psi_edge", feature, str(number), None, edges[number - 1] if number <= len(edges) else None)
                add("psi_share", feature, str(number), None, share)
    return typed(rows)
