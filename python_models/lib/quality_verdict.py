"""Whether a forecast of the customer quality model may be used, decided on the test alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

import quality_evaluation
from quality_evaluation import Estimate

LEAST_AUC = 0.55
MOST_AUC = 0.90  # nobody knows that much after a week: something from the future is in a feature
CALIBRATED_SLOPES = (0.8, 1.25)

PUBLISHED, WITHHELD = "published", "withheld"
SUSPECTED_LEAK, INSUFFICIENT = "suspected_leak", "insufficient_data"
LOGISTIC, BOOSTING = "logistic", "boosting"  # the models that learn, as they are called in tables


def strongest_feature(
    labels: np.ndarray, matrix: np.ndarray, features: list[str]
) -> tuple[str, float]:
    """Return the feature that alone ranks best, in either direction, and its AUC."""
    found = [quality_evaluation.auc(labels, column) for column in matrix.T]
    strengths = [max(value, 1 - value) for value in found]
    best = int(np.argmax(strengths))
    return features[best], strengths[best]


def judge(
    chosen: str,
    estimates: Mapping[str, Mapping[str, Estimate]],
    strongest: tuple[str, float],
    *,
    is_partly_known: bool = False,
) -> tuple[str, str, bool]:
    """Return the status, its reason in words with numbers, and whether the level can be trusted.

    Withheld is what ranks hardly better than chance, or forecasts worse than the base rate. A
    model that was not chosen but is too good to be true makes the chosen one suspect as well. A
    score whose slope is off is published, for its ranking holds, and said to be uncalibrated.

    is_partly_known: the outcome holds something that is known at the decision, as the margin of 90
    days holds that of the first basket: then a high AUC is no sign of a leak.
    """
    measures = estimates[chosen]
    ranked, skill = measures["auc"], measures["brier_skill"]
    slope = measures["calibration_slope"].value
    is_calibrated = bool(CALIBRATED_SLOPES[0] <= slope <= CALIBRATED_SLOPES[1])
    auc_text = f"AUC {ranked.value:.3f} ({ranked.lower:.3f} to {ranked.upper:.3f})"
    best_auc = max(
        estimates[name]["auc"].value for name in (LOGISTIC, BOOSTING) if name in estimates
    )
    if best_auc > MOST_AUC and not is_partly_known:
        feature, strength = strongest
        reason = (
            f"AUC {best_auc:.3f} is above {MOST_AUC:.2f}, more than a first week can tell: look "
            f"for a feature that knows the future; {feature} alone has {strength:.3f}"
        )
        return SUSPECTED_LEAK, reason, is_calibrated
    # Asked the other way round, so that what could not be measured is not published.
    if not ranked.value >= LEAST_AUC:
        return WITHHELD, f"{auc_text} is below {LEAST_AUC:.2f}: hardly better than a coin", False
    if not skill.value > 0:
        reason = f"Brier skill {skill.value:.3f}: no better than the base rate for all; {auc_text}"
        return WITHHELD, reason, is_calibrated
    reason = f"{chosen}: {auc_text}, Brier skill {skill.value:.3f}, calibration slope {slope:.2f}"
    if not is_calibrated:
        reason += (
            f" is outside {CALIBRATED_SLOPES[0]:.2f} to {CALIBRATED_SLOPES[1]:.2f}: "
            "trust the order, not the level"
        )
    return PUBLISHED, reason, is_calibrated
