"""How well each way to recommend would have done of late, and which is served.

Settings are tuned on one window and judged on the next. Parameters stand in
recommendation_evaluation.yml.
"""

import recommendation_evidence
import recommendation_inputs


def model(dbt, session):
    """Try each method on the windows of each source; one row per source, window and method."""
    # dbt finds parameters and references by reading these lines: each is an assignment of its own.
    weights = dbt.config.meta_get("weights")
    prior_counts = dbt.config.meta_get("prior_counts")
    category_prior_counts = dbt.config.meta_get("category_prior_counts")
    min_customers = dbt.config.meta_get("min_customers")
    draws = dbt.config.meta_get("draws")
    seed = dbt.config.meta_get("seed")

    windows = dbt.ref("recommendation_windows")
    products = dbt.ref("window_products")
    pairs = dbt.ref("window_product_pairs")
    group_products = dbt.ref("window_group_products")
    items = dbt.ref("window_items")
    groups = dbt.ref("window_groups")
    targets = dbt.ref("window_targets")

    settings = recommendation_evidence.Settings(
        tuple(weights), tuple(prior_counts), tuple(category_prior_counts), min_customers, draws,
        seed,
    )  # fmt: skip
    relations = recommendation_inputs.Relations(products, pairs, group_products, items, groups)
    judged = (recommendation_evidence.TUNING, recommendation_evidence.REPORT)
    listed = windows.project("source, window_name, window_number").fetchall()
    rows = []
    for source in sorted({row[0] for row in listed}):
        of_source = {
            name: recommendation_inputs.window_of(number, targets, relations)
            for name in judged
            for number in [row[2] for row in listed if row[:2] == (source, name)]
        }
        rows += recommendation_evidence.evidence(source, of_source, settings)
    return recommendation_evidence.typed(rows)
