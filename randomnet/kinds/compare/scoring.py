"""Scores of one inferred model against the recorded system: a function for each row of METRICS.

Maps are fitted on the training trials; all scores are of the test trials.
"""

from collections.abc import Callable, Mapping

import numpy as np
import torch

from randomnet import metrics
from randomnet.kinds.compare.evaluation import MetricUnavailable, ModelEvaluation

Arrays = dict[str, np.ndarray]
Scores = tuple[dict[str, float], Arrays]
STATE_SCORES = {
    "state_r2_true_to_inferred": metrics.state_r2_true_to_inferred,
    "state_r2_inferred_to_true": metrics.state_r2_inferred_to_true,
}


def _rate_r2(evaluation: ModelEvaluation) -> Scores:
    return {"rate_r2": metrics.rate_r2(evaluation.truth.of("rates")[1], evaluation.of("rates")[1])}, {}


def _state_r2(evaluation: ModelEvaluation) -> Scores:
    (true, test_true), (inferred, test_inferred) = evaluation.truth.of("latents"), evaluation.of("latents")
    scores = {}
    for name, score in STATE_SCORES.items():
        scores[name] = score(true, inferred, test_true, test_inferred)
        shuffled = evaluation.shuffled(inferred), evaluation.shuffled(test_inferred)
        scores[f"{name}_chance"] = score(true, shuffled[0], test_true, shuffled[1])
    return scores, {}


def _cycle_con(evaluation: ModelEvaluation) -> Scores:
    (latents, test), rates = evaluation.of("latents"), evaluation.of("rates")[0]
    consistency, truth = metrics.cycle_con(latents, rates, test), evaluation.truth.cycle_con
    return {
        "cycle_con": consistency.value,
        "cycle_con_components": consistency.components,
        "cycle_con_dimensions": consistency.dimensions,
        "cycle_con_raw": metrics.cycle_con_raw(latents, rates, test).value,
        **({} if truth is None else {"cycle_con_truth": truth}),
    }, {}


def _bps(evaluation: ModelEvaluation) -> Scores:
    spikes, true = evaluation.truth.test.spikes, evaluation.truth.test.rates
    ceiling = {} if true is None else {"bps_ceiling": metrics.bps(spikes, true)}
    return {"bps": metrics.bps(spikes, evaluation.of("rates")[1]), **ceiling}, {}


def _co_bps(evaluation: ModelEvaluation) -> Scores:
    spikes, true, heldin = evaluation.truth.test.spikes, evaluation.truth.test.rates, evaluation.truth.recording.heldin
    if heldin == spikes.shape[2]:
        raise MetricUnavailable("no neuron was held out")
    ceiling = {} if true is None else {"co_bps_ceiling": metrics.co_bps(spikes, true, heldin)}
    return {"co_bps": metrics.co_bps(spikes, evaluation.of("rates")[1], heldin), **ceiling}, {}


def _input_r2(evaluation: ModelEvaluation) -> Scores:
    (inferred, test_inferred), test = evaluation.of("inferred_inputs"), evaluation.truth.test
    true, test_true = evaluation.truth.of("inputs" if test.true_inputs is None else "true_inputs")
    shuffled = evaluation.shuffled(inferred), evaluation.shuffled(test_inferred)
    return {
        "input_r2": metrics.input_r2(true, inferred, test_true, test_inferred),
        "input_r2_chance": metrics.input_r2(true, shuffled[0], test_true, shuffled[1]),
    }, {}


def _procrustes(evaluation: ModelEvaluation) -> Scores:
    true, inferred = evaluation.truth.of("latents")[1], evaluation.of("latents")[1]
    return {
        "procrustes": metrics.procrustes(true, inferred),
        "procrustes_chance": metrics.procrustes(true, evaluation.shuffled(inferred)),
    }, {}


def _dsa(evaluation: ModelEvaluation) -> Scores:
    truth, settings = evaluation.truth, evaluation.truth.settings
    inferred, true = truth.operator_of(evaluation.of("latents")[1]), truth.operator
    values = [np.linalg.eigvals(operator) for operator in (true, inferred)]
    search = truth.dsa_search
    arrays = {} if search is None else {"dsa_search_delays": search.candidates, "dsa_search_errors": search.errors}
    return {
        "dsa": metrics.operator_distance(true, inferred, settings.generator(), settings.options.dsa_starts),
        "dsa_floor": truth.dsa_floor,
        "dsa_eigenvalues": metrics.eigenvalue_distance(*values),
        **dict(zip(("dsa_delays_used", "dsa_rank_used"), truth.dsa_dimensions, strict=True)),
    }, {"operator_true": values[0], "operator_inferred": values[1], **arrays}


def remarks(scores: Mapping[str, float]) -> list[str]:
    """Return notes on a model's scores: a distance that noise alone reaches, and unmatched fixed points."""
    notes = []
    if "dsa" in scores and not scores["dsa"] > scores["dsa_floor"]:
        notes.append(f"dsa {scores['dsa']:.3g} is not above the floor {scores['dsa_floor']:.3g}")
    true, inferred = (scores.get(f"points_{whose}", 0) for whose in ("true", "inferred"))
    if true != inferred:
        notes.append(f"fixed points: {min(true, inferred)} matched, of {true} true and {inferred} inferred")
    return notes


def _fixed_points(evaluation: ModelEvaluation) -> Scores:
    true, inferred = evaluation.truth.points, evaluation.points
    arrays = {
        "points_true": evaluation.truth.project(true.points.numpy()),
        "points_inferred": evaluation.truth.project(evaluation.to_truth(inferred.points.numpy())),
        "unstable_true": true.unstable.numpy(),
        "unstable_inferred": inferred.unstable.numpy(),
    }
    scores = {
        "points_true": len(true.points),
        "points_inferred": len(inferred.points),
        "points_matched": min(len(true.points), len(inferred.points)),
        "slow_true": len(true.slow),
        "slow_inferred": len(inferred.slow),
    }
    if len(true.points) and len(inferred.points):
        matched = evaluation.matched_points
        scores |= {f"points_{name}": getattr(matched, name) for name in ("distance", "agreement", "share")}
        stable = [float((points.unstable == 0).double().mean()) for points in (true, inferred)]
        scores["points_agreement_chance"] = _agreement_by_chance(*stable)
    return scores, arrays


def _eigenvalues(evaluation: ModelEvaluation) -> Scores:
    matched, truth = evaluation.matched_points, evaluation.truth
    leading, dt = truth.settings.options.leading, truth.dt
    pairs = [
        metrics.match_eigenvalues(
            truth.points.eigenvalues[true].numpy(), evaluation.points.eigenvalues[inferred].numpy(), leading, dt
        )
        for true, inferred in zip(matched.true, matched.inferred, strict=True)
    ]
    names = ("distance", "time_constants", "frequencies")
    scores = {f"eigenvalue_{name}": _mean([getattr(pair, name) for pair in pairs]) for name in names}
    arrays = {f"eigenvalues_{whose}": np.stack([getattr(pair, whose) for pair in pairs])
              for whose in ("true", "inferred")}  # fmt: skip
    return scores, arrays


def _mean(values: list[float]) -> float:
    """Return the mean of the finite values, nan without any."""
    finite = [value for value in values if np.isfinite(value)]
    return float(np.mean(finite)) if finite else np.nan


def _agreement_by_chance(first: float, second: float) -> float:
    """Return the probability that two independent events, of these probabilities, both happen or both do not."""
    return first * second + (1 - first) * (1 - second)


def _memories(evaluation: ModelEvaluation) -> Scores:
    """Score the states that the test trials end in when both systems continue under a frozen input.

    These are the numbers of different end states, and the agreement on which trials end in the same state.
    """
    truth, true, system = evaluation.truth, evaluation.truth.end_clusters, evaluation.known_system()
    x = truth.frozen_input(evaluation.inputs(), system.channels)
    inferred = truth.settings.end_clusters(system, evaluation.of("latents")[1], x)
    return {
        "memories_true": int(true.max()) + 1,
        "memories_inferred": int(inferred.max()) + 1,
        "memories_agreement": metrics.rand_index(true, inferred),
    }, {}


def _spectrum(evaluation: ModelEvaluation) -> Scores:
    truth, system = evaluation.truth, evaluation.known_system()
    true, inputs = truth.exponents, evaluation.inputs()
    first = evaluation.arrays["test_start"] if "test_start" in evaluation.arrays else evaluation.of("latents")[1][:, 0]
    silence = np.zeros((*truth.test.spikes.shape[:2], system.channels))
    state = torch.from_numpy(np.asarray(first[0], dtype=np.float64))
    inferred = truth.settings.exponents(system, state, silence if inputs is None else inputs, truth.dt)
    return {
        "spectrum_distance": metrics.spectrum_distance(true, inferred),
        "lambda_max_true": float(true[0]),
        "lambda_max_inferred": float(inferred[0]),
    }, {"exponents_true": true, "exponents_inferred": inferred}


SCORES = tuple(score.column for score in metrics.scores())
HEADLINE_SCORES = tuple(score.column for score in metrics.scores() if score.headline)
SCORERS: dict[str, Callable[[ModelEvaluation], Scores]] = {
    "rate_r2": _rate_r2,
    "state_r2": _state_r2,
    "cycle_con": _cycle_con,
    "bps": _bps,
    "co_bps": _co_bps,
    "input_r2": _input_r2,
    "procrustes": _procrustes,
    "dsa": _dsa,
    "fixed_points": _fixed_points,
    "eigenvalues": _eigenvalues,
    "memories": _memories,
    "spectrum": _spectrum,
}
