"""How true inferred dynamics are: each metric compares arrays of a system that is known with those of one inferred.

| module       | metrics                                                                                          |
|--------------|--------------------------------------------------------------------------------------------------|
| `regression` | rate_r2, state_r2_true_to_inferred, state_r2_inferred_to_true, input_r2, cycle_con, cycle_con_raw |
| `spikes`     | bps, co_bps: bits per spike                                                                      |
| `shapes`     | procrustes                                                                                       |
| `dimensions` | predictive_dimensions: delays and rank of such operators that predict held-out trials            |
| `operators`  | dsa, dsa_floor, operator_distance: linear operators of delayed states                            |
| `matching`   | assignment, match_points, match_eigenvalues, eigenvalue_distance, spectrum_distance, rand_index  |

States are (B, T, D) or (M, D), rates and spikes (B, T, N) or (M, N), one bin a step. What is fitted is fitted on one
split and scored on another: both are given. Whatever is not finite is a ValueError that says what.
"""

from randomnet.metrics.dimensions import Dimensions, predictive_dimensions
from randomnet.metrics.matching import (
    MatchedEigenvalues,
    MatchedPoints,
    assignment,
    clusters,
    eigenvalue_distance,
    match_eigenvalues,
    match_points,
    rand_index,
    spectrum_distance,
)
from randomnet.metrics.operators import delay_operator, dsa, dsa_floor, operator_distance
from randomnet.metrics.registry import METRICS, Metric, Reference, Score, scores
from randomnet.metrics.regression import (
    CycleConsistency,
    Linear,
    cycle_con,
    cycle_con_raw,
    fitted,
    input_r2,
    r2,
    rate_r2,
    state_r2_inferred_to_true,
    state_r2_true_to_inferred,
)
from randomnet.metrics.shapes import procrustes
from randomnet.metrics.spikes import bps, co_bps

__all__ = [
    "METRICS",
    "CycleConsistency",
    "Dimensions",
    "Linear",
    "MatchedEigenvalues",
    "MatchedPoints",
    "Metric",
    "Reference",
    "Score",
    "assignment",
    "bps",
    "clusters",
    "co_bps",
    "cycle_con",
    "cycle_con_raw",
    "delay_operator",
    "dsa",
    "dsa_floor",
    "eigenvalue_distance",
    "fitted",
    "input_r2",
    "match_eigenvalues",
    "match_points",
    "operator_distance",
    "predictive_dimensions",
    "procrustes",
    "r2",
    "rand_index",
    "rate_r2",
    "scores",
    "spectrum_distance",
    "state_r2_inferred_to_true",
    "state_r2_true_to_inferred",
]
