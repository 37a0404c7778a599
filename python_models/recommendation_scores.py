"""The products of each customer whose latest purchases tell what to recommend.

Others get a list of their group or of the shop, which SQL makes. Customers are scored in batches,
so memory does not grow with them. Parameters stand in recommendation_scores.yml.
"""

import numpy as np
import pandas as pd

import recommendation_evidence
import recommendation_inputs
import recommendations

SCHEMA = (
    "customer_key bigint, source varchar, method varchar, recommendation_rank integer, "
    "product_number integer, reason_product_number integer, category_item_count integer, "
    "score double, reason_date date"
)


def scored(shop, customers, choice, lift, length):
    """Return the lists of some customers as columns, one row a recommendation.

    item_number: of the purchase that spoke most for the product, 0 where none did, counted through
    the batch; category_item_count: how many of the customer's products are of its category.
    What a list is filled up with, since own products were too few, is said to be popular.
    """
    sums = scores = None
    products = np.arange(shop.size)
    if choice.method == recommendation_evidence.CO_PURCHASE:
        sums = recommendations.co_purchase_sums(customers, lift)
        scores = shop.log_popularity + choice.weight * sums
    elif choice.method == recommendation_evidence.CATEGORY:
        products = recommendations.leaders(shop, length)
        scores = recommendations.category_scores(shop, customers, choice.prior_count, products)
    if scores is None:
        keys = recommendations.buy_again_keys(shop, customers)
    else:
        keys = recommendations.score_keys(shop, scores, products)
    columns = recommendations.best(keys, length)
    lists = np.full(columns.shape, -1)
    lists[columns >= 0] = products[columns[columns >= 0]]
    item = np.full(lists.shape, -1)
    if lift is not None:
        item = recommendations.reasons(lift, customers, lists)
    is_filled = np.zeros(lists.shape, dtype=bool)
    if scores is None:
        scores = np.tile(shop.log_popularity, (customers.count, 1))
        scores[customers.customer, customers.product] = customers.day_count
        place = np.full((customers.count, shop.size), -1)
        place[customers.customer, customers.product] = np.arange(len(customers.product))
        item = np.take_along_axis(place, lists, axis=1)
        is_filled = item < 0
    rows, ranks = np.nonzero(lists >= 0)
    product, item = lists[rows, ranks], item[rows, ranks]
    of_category = recommendations.category_counts(shop, customers)
    return {
        "customer": rows,
        "is_filled": is_filled[rows, ranks],
        "recommendation_rank": ranks + 1,
        "product_number": product + 1,
        "reason_product_number": np.where(item >= 0, customers.product[item] + 1, 0),
        "category_item_count": of_category[rows, shop.category[product] + 1],
        "score": np.round(scores[rows, columns[rows, ranks]], recommendations.SCORE_DIGITS),
        "reason_day": customers.last_day[item],
    }


def model(dbt, session):
    """Score the customers with items of each source whose served method looks at them."""
    # dbt finds parameters and references by reading these lines: each is an assignment of its own.
    batch_customers = dbt.config.meta_get("batch_customers")
    length = dbt.config.meta_get("length")

    status = dbt.ref("recommendation_status")
    windows = dbt.ref("recommendation_windows")
    products = dbt.ref("window_products")
    pairs = dbt.ref("window_product_pairs")
    group_products = dbt.ref("window_group_products")
    items = dbt.ref("window_items")
    groups = dbt.ref("window_groups")

    relations = recommendation_inputs.Relations(products, pairs, group_products, items, groups)
    session.execute(f"create or replace temp table recommendations_so_far ({SCHEMA})")
    serving = status.project("source, served_method, weight, prior_count").fetchall()
    current = dict(
        windows.filter("window_name = 'current'").project("source, window_number").fetchall()
    )
    for source, method, weight, prior_count in sorted(serving):
        personal = (*recommendation_evidence.MODELS, recommendation_evidence.BUY_AGAIN)
        if method not in personal:
            continue
        choice = recommendation_evidence.Choice(method, weight, prior_count)
        shop = recommendation_inputs.shop_of(current[source], relations)
        lift = None
        if method == recommendation_evidence.CO_PURCHASE:
            lift = recommendations.lifts(shop, prior_count)
        of_source = items.filter(recommendation_inputs.where(current[source]))
        ((count,),) = of_source.aggregate("count(distinct customer_key)").fetchall()
        batches = max(1, -(-count // int(batch_customers)))
        for batch in range(batches):
            frame = (
                # Keys are hashes, so that batches are about alike in size without a sort.
                of_source.filter(f"customer_key % {batches} = {batch}")
                .project(f"customer_key, {recommendation_inputs.HISTORY}")
                .df()
            )
            keys, frame["customer"] = np.unique(frame["customer_key"], return_inverse=True)
            customers = recommendation_inputs.histories_of(
                frame, np.full(len(keys), None, dtype=object)
            )
            parts = []
            for begin, part in customers.parts(shop.size):
                found = scored(shop, part, choice, lift, int(length))
                parts.append(found | {"customer_key": keys[begin + found["customer"]]})
            if not parts:
                continue
            columns = {name: np.concatenate([one[name] for one in parts]) for name in parts[0]}
            session.register("scored_batch", pd.DataFrame(columns))
            session.execute(f"""
                insert into recommendations_so_far
                select
                    customer_key,
                    '{source}',
                    case when is_filled then '{recommendation_evidence.GLOBAL}' else '{method}' end,
                    recommendation_rank,
                    product_number,
                    nullif(reason_product_number, 0),
                    category_item_count,
                    score,
                    case
                        when reason_product_number > 0
                            then date '1970-01-01' + cast(reason_day as integer)
                    end
                from scored_batch
            """)
            session.unregister("scored_batch")
    return session.table("recommendations_so_far")
