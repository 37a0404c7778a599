"""Boosted trees as rows of a table: written from scikit-learn's model, read back, and scored.

A table of nodes can be kept, compared and read by anything; a pickle can do none of it and runs
code when it is opened.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

# To score needs nothing of the library that fitted, whose import costs more than most scores.
if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

COLUMNS = (
    "tree_number", "node_number", "feature", "threshold", "missing_goes_left", "left_node",
    "right_node", "node_value", "customer_count",
)  # fmt: skip
NO_NODE = -1
ROWS_AT_ONCE = 16_384  # so few that what is looked at again and again stays in the cache


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

    def totals(self, matrix: np.ndarray) -> np.ndarray:
        """Return each row's sum over trees; matrix as in `score`."""
        return self.score(matrix, np.zeros(matrix.shape[1], dtype=np.int64), False)[0]

    def score(
        self, matrix: np.ndarray, groups: np.ndarray | None = None, is_explained: bool = True
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return each row's sum over trees and how much each group of features contributes to it.

        matrix: rows x features, NaN where unknown; groups: of each feature the number of its group
        from 0, by default each is its own; is_explained: whether contributions are wanted, else
        they are 0. A feature's contribution is the sum, over all steps from node to child that it
        decided, of the change in value; the sum over features plus the roots' values is the row's
        sum. Source: Saabas, "Interpreting random forests" (2014). Working memory is that of the
        contributions, rows x groups.
        """
        if groups is None:
            groups = np.arange(matrix.shape[1])
        plans = [self._plan(tree, groups if is_explained else None) for tree in range(len(self))]
        contributions = np.zeros((len(matrix), int(groups.max(initial=-1)) + 1))
        total = np.zeros(len(matrix))
        for begin in range(0, len(matrix), ROWS_AT_ONCE):
            rows = slice(begin, begin + ROWS_AT_ONCE)
            columns = np.ascontiguousarray(matrix[rows].T)
            added = np.zeros((contributions.shape[1], columns.shape[1]))
            for plan in plans:
                # `take` looks up faster than an index does.
                leaf = plan.leaf_of(columns)
                total[rows] += plan.value.take(leaf)
                for group, steps in plan.steps.items():
                    added[group] += steps.take(leaf)
            contributions[rows] = added.T
        return total, contributions

    def __len__(self) -> int:
        """Return the number of trees."""
        return len(self.value)

    def _plan(self, tree: int, groups: np.ndarray | None) -> _Plan:
        """Return one tree as tests that rule leaves out; groups: as in `score`, None for none."""
        inner, leaves, sums = [], [], []
        steps: dict[int, dict[int, float]] = {}

        def walk(node: int, added: dict[int, float]) -> range:
            """Number the leaves below a node from left to right and return their numbers."""
            first = len(leaves)
            left, right = int(self.left[tree, node]), int(self.right[tree, node])
            if left == node:
                for group, step in added.items():
                    steps.setdefault(group, {})[first] = step
                leaves.append(node)
                sums.append(self.value[tree, node])
                return range(first, first + 1)
            below = []
            for child in (left, right):
                step = dict(added)
                if groups is not None:
                    group = int(groups[self.feature[tree, node]])
                    change = self.value[tree, child] - self.value[tree, node]
                    step[group] = step.get(group, 0.0) + change
                below.append(walk(child, step))
            lost = sum(1 << number for number in below[0])
            inner.append(
                (
                    int(self.feature[tree, node]),
                    float(self.threshold[tree, node]),
                    bool(self.missing_left[tree, node]),
                    lost,
                )
            )
            return range(first, len(leaves))

        walk(0, {})
        tables = {}
        for group, by_leaf in steps.items():
            table = np.zeros(len(leaves))
            table[list(by_leaf)] = list(by_leaf.values())
            tables[group] = table
        return _Plan(inner, np.array(sums), tables)


@dataclass(frozen=True)
class _Plan:
    """One tree, whose leaves are numbered from left to right.

    tests: per inner node its feature, threshold, whether unknown values go left, and as bits the
    leaves that a row cannot reach which goes right. value: of each leaf; steps: by group what the
    way to each leaf added.

    A row's leaf is the first that no test rules out, for the leaves right of the way that it takes
    need not be ruled out at all. So every test is one comparison of a column, without a jump.
    Source: Lucchese et al., "QuickScorer" (2015).
    """

    tests: list[tuple[int, float, bool, int]]
    value: np.ndarray
    steps: dict[int, np.ndarray]

    def leaf_of(self, columns: np.ndarray) -> np.ndarray:
        """Return the leaf of each row; columns: features x rows, NaN where unknown."""
        count = columns.shape[1]
        words = -(-len(self.value) // WORD)
        leaf = np.zeros(count, dtype=np.int64)
        for word in reversed(range(words)):
            gone = np.zeros(count, dtype=np.uint16)
            for feature, threshold, missing_left, lost in self.tests:
                bits = np.uint16(lost >> (word * WORD) & ALL_GONE)
                if not bits:
                    continue
                # A comparison with NaN is false, so which one is asked decides where it goes.
                if missing_left:
                    goes_right = columns[feature] > threshold
                else:
                    goes_right = ~(columns[feature] <= threshold)
                gone |= goes_right * bits
            first = FIRST_LEFT.take(gone)
            leaf = np.where(first < WORD, first + word * WORD, leaf)
        return leaf


WORD = 16
ALL_GONE = (1 << WORD) - 1
# The least bit that is not set in each number of 16 bits; 16 where all are.
_CLEAR = ~np.arange(1 << WORD) & ((1 << (WORD + 1)) - 1)
FIRST_LEFT = np.log2(_CLEAR & -_CLEAR).astype(np.int64)


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
    )
