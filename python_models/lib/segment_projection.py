"""Two principal components of standardised features, for a picture of the segments.

The picture is drawn in SQL: a customer's place is the dot product of the standardised features
and the loadings. Source: Jolliffe (2002), Principal Component Analysis, chapter 2.
"""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

COMPONENTS = 2
TIE_DECIMALS = 9


def components(standardised: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the directions along which customers differ most.

    standardised: rows x features in standard deviations, without nulls, rows sorted by content.

    Returns the loadings (2 x features, each row of length 1) and the share of the variance that
    each of the two explains (2, from 0 to 1). A component's sign is arbitrary; here its greatest
    loading by size is positive, the first of equals. A component that does not exist, as there is
    only one feature or row or all rows are alike in it, has loadings and a share of 0.

    Raises:
        ValueError: without a row or a feature, or with a value that is not a finite number.
    """
    if standardised.ndim != 2 or 0 in standardised.shape:
        raise ValueError(f"rows and features are needed, not a shape of {standardised.shape}")
    if not np.isfinite(standardised).all():
        raise ValueError("a value is not a finite number")
    centred = standardised - standardised.mean(axis=0)
    # One thread keeps sums in one order, hence bits equal.
    with threadpool_limits(limits=1):
        _, singular_values, directions = np.linalg.svd(centred, full_matrices=False)
    variances = singular_values**2
    variances[variances <= variances.sum() * np.finfo(float).eps] = 0.0
    loadings = np.zeros((COMPONENTS, standardised.shape[1]))
    shares = np.zeros(COMPONENTS)
    for index in range(min(COMPONENTS, len(variances))):
        if variances[index] == 0:
            break
        direction = directions[index]
        greatest = np.argmax(np.round(np.abs(direction), TIE_DECIMALS))
        loadings[index] = direction * np.sign(direction[greatest])
        shares[index] = variances[index] / variances.sum()
    return loadings, shares
