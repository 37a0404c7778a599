"""Boosted trees as rows of a table: written from scikit-learn's model, read back, and scored.

A table of nodes can be kept, compared and read by anything; a pickle can do none of it and runs
code when it is opened.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

COLUMNS = (
    "tree_number", "node_number", "feature", "threshold", "missing_goes_left", "left_node",
    "right_node", "node_value", "customer_count",
)  # fmt: skip
NO_NODE = -1


@dataclass(frozen=True)
class Trees:
    """Boosted trees; arrays are trees x nodes of the largest tree.

    feature: column of the matrix that an inner node looks at; threshold: values up to it go left;
    missing_left: whether unknown values do; left, right: children, or the node itself for a leaf;
    value: what the node adds, inner nodes the mean of their leaves weighted by training rows.
    """

    feature: np.ndarray
    threshold: np.ndarray
    missing_left: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray
    depth: np.ndarray  # most steps from the root to a leaf, one value a tree

    def score(self, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return each row's sum over trees and how much each feature contributes to it.

        matrix: rows x features, NaN where unknown. A feature's contribution is the sum, over all
        steps from node to child that it decided, of the change in value; the sum over features
        plus the roots' values is the row's sum. Source: Saabas, "Interpreting random forests"
        (2014). Working memory is that of the contributions, rows x features.
        """
        rows = np.arange(len(matrix))
        contributions = np.zeros(matrix.shape)
        total = np.zeros(len(matrix))
        for tree in range(len(self.value)):
            node = np.zeros(len(matrix), dtype=np.int64)
            for _ in range(self.depth[tree]):
                feature = self.feature[tree, node]
                seen = matrix[rows, feature]
                # A comparison with NaN is false, so unknown values need the second term alone.
                goes_left = (seen <= self.threshold[tree, node]) | (
                    np.isnan(seen) & self.missing_left[tree, node]
                )
                child = np.where(goes_left, self.left[tree, node], self.right[tree, node])
                step = self.value[tree, child] - self.value[tree, node]
                contributions[rows, feature] += step
                node = child
            total += self.value[tree, node]
        return total, contributions


def node_table(model: HistGradientBoostingClassifier, features: list[str]) -> pd.DataFrame:
    """Return the nodes of a fitted binary classifier, one row a node, columns as `COLUMNS`.

    features: names of the matrix columns it was fitted on. The baseline, which scikit-learn keeps
    apart, is tree 0 with a single node. The arrays read here are private to scikit-learn; a test
    compares the table's scores with `decision_function`.
    """
    rows = [(0, 0, None, None, None, None, None, float(model._baseline_prediction[0, 0]), None)]
    for number, (predictor,) in enumerate(model._predictors, start=1):
        nodes = predictor.nodes
        values = nodes["value"].astype(float)
        # Children stand after their parents, so going backwards meets them first.
        for index in range(len(nodes) - 1, -1, -1):
            if not nodes["is_leaf"][index]:
                children = [nodes["left"][index], nodes["right"][index]]
                values[index] = np.average(values[children], weights=nodes["count"][children])
        for index, node in enumerate(nodes):
            is_leaf = bool(node["is_leaf"])
            rows.append(
                (
                    number,
                    index,
                    None if is_leaf else features[int(node["feature_idx"])],
                    None if is_leaf else float(node["num_threshold"]),
                    None if is_leaf else bool(node["missing_go_to_left"]),
                    None if is_leaf else int(node["left"]),
                    None if is_leaf else int(node["right"]),
                    float(values[index]),
                    int(node["count"]),
                )
            )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def read_trees(table: pd.DataFrame, features: list[str]) -> Trees:
    """Return the trees that a table of nodes describes, in the order of its tree numbers.

    table: rows as `node_table` writes them, in any order. features: names of the columns of the
    matrix that is to be scored; a feature of the table that is not among them counts as unknown
    for every row, which needs a last column of NaN in the matrix.
    """
    trees = np.unique(table["tree_number"].to_numpy(dtype=np.int64), return_inverse=True)
    tree = trees[1]
    node = table["node_number"].to_numpy(dtype=np.int64)
    shape = (len(trees[0]), int(node.max()) + 1)
    column = {name: number for number, name in enumerate(features)}
    is_leaf = table["feature"].isna().to_numpy()

    def filled(values: np.ndarray, kind: type) -> np.ndarray:
        array = np.zeros(shape, dtype=kind)
        array[tree, node] = values
        return array

    def numbers(name: str, kind: type) -> np.ndarray:
        given = pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        return np.where(is_leaf, 0, given).astype(kind)

    looked_at = [
        0 if leaf else column.get(str(name), len(features))
        for leaf, name in zip(is_leaf, table["feature"], strict=True)
    ]
    left = filled(np.where(is_leaf, node, numbers("left_node", np.int64)), np.int64)
    right = filled(np.where(is_leaf, node, numbers("right_node", np.int64)), np.int64)
    return Trees(
        feature=filled(np.array(looked_at), np.int64),
        threshold=filled(numbers("threshold", float), float),
        missing_left=filled(numbers("missing_goes_left", float) > 0, bool),
        left=left,
        right=right,
        value=filled(table["node_value"].to_numpy(dtype=float), float),
        depth=_depths(left, right),
    )


def _depths(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the most steps from the root to a leaf of each tree; arrays as in `Trees`."""
    count, size = left.shape
    depth = np.zeros((count, size), dtype=np.int64)
    trees = np.arange(count)
    # Children stand after their parents, so one pass in order reaches all of them.
    for node in range(size):
        for child in (left[:, node], right[:, node]):
            steps = depth[:, node] + (child > node)
            depth[trees, child] = np.maximum(depth[trees, child], steps)
    return depth.max(axis=1)
