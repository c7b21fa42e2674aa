"""Metrics of inferred dynamics: each compares arrays of a known system with those of an inferred one.

| module       | contents                                                                                         |
|--------------|--------------------------------------------------------------------------------------------------|
| `registry`   | METRICS, a row for each metric of [comparing], with its scores                                   |
| `regression` | rate_r2, state_r2_true_to_inferred, state_r2_inferred_to_true, input_r2, cycle_con, cycle_con_raw |
| `spikes`     | bps, co_bps: bits per spike                                                                      |
| `shapes`     | procrustes                                                                                       |
| `neural_latents` | velocity_r2, psth_r2, mean_r2: behaviour and mean responses from rates                       |
| `operators`  | dsa, dsa_floor, operator_distance: linear operators of delayed states                            |
| `dimensions` | predictive_dimensions: delays and rank with which such operators predict held-out trials         |
| `matching`   | assignment, match_points, match_eigenvalues, eigenvalue_distance, spectrum_distance, rand_index  |

States are (B, T, D) or (M, D), rates and spikes (B, T, N) or (M, N), with one bin per step. Linear maps are fitted on
one split and scored on another, so functions take both. Non-finite values raise ValueError with the array's name.
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
from randomnet.metrics.neural_latents import mean_r2, psth_r2, velocity_r2
from randomnet.metrics.operators import delay_operator, dsa, dsa_floor, operator_distance
from randomnet.metrics.registry import METRICS, Metric, Reference, Score, scores
from randomnet.metrics.regression import (
    CycleConsistency,
    LinearMap,
    cycle_con,
    cycle_con_raw,
    fit_linear_map,
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
    "LinearMap",
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
    "fit_linear_map",
    "input_r2",
    "match_eigenvalues",
    "match_points",
    "mean_r2",
    "operator_distance",
    "predictive_dimensions",
    "procrustes",
    "psth_r2",
    "r2",
    "rand_index",
    "rate_r2",
    "scores",
    "spectrum_distance",
    "state_r2_inferred_to_true",
    "state_r2_true_to_inferred",
    "velocity_r2",
]
