"""Scores of one inferred model against the system its recording is of: a function for each row of METRICS.

What is fitted is fitted on the training trials, and everything is scored on the test trials.
"""

from collections.abc import Callable, Mapping

import numpy as np
import torch

from randomnet import metrics
from randomnet.kinds.compare.evaluation import Case, Lacking

Arrays = dict[str, np.ndarray]
Scores = tuple[dict[str, float], Arrays]


def _rate_r2(case: Case) -> Scores:
    return {"rate_r2": metrics.rate_r2(case.truth.of("rates")[1], case.of("rates")[1])}, {}


def _state_r2(case: Case) -> Scores:
    (true, test_true), (own, test_own) = case.truth.of("latents"), case.of("latents")
    return {
        "state_r2_true_to_inferred": metrics.state_r2_true_to_inferred(true, own, test_true, test_own),
        "state_r2_inferred_to_true": metrics.state_r2_inferred_to_true(true, own, test_true, test_own),
    }, {}


def _cycle_con(case: Case) -> Scores:
    (latents, test), rates = case.of("latents"), case.of("rates")[0]
    found, truth = metrics.cycle_con(latents, rates, test), case.truth.cycle_con
    return {
        "cycle_con": found.value,
        "cycle_con_components": found.components,
        "cycle_con_dimensions": found.dimensions,
        "cycle_con_raw": metrics.cycle_con_raw(latents, rates, test).value,
        **({} if truth is None else {"cycle_con_truth": truth}),
    }, {}


def _bps(case: Case) -> Scores:
    spikes, true = case.truth.test.spikes, case.truth.test.rates
    ceiling = {} if true is None else {"bps_ceiling": metrics.bps(spikes, true)}
    return {"bps": metrics.bps(spikes, case.of("rates")[1]), **ceiling}, {}


def _co_bps(case: Case) -> Scores:
    spikes, true, heldin = case.truth.test.spikes, case.truth.test.rates, case.truth.recording.heldin
    if heldin == spikes.shape[2]:
        raise Lacking("no neuron was held out")
    ceiling = {} if true is None else {"co_bps_ceiling": metrics.co_bps(spikes, true, heldin)}
    return {"co_bps": metrics.co_bps(spikes, case.of("rates")[1], heldin), **ceiling}, {}


def _input_r2(case: Case) -> Scores:
    (own, test_own), test = case.of("inferred_inputs"), case.truth.test
    true, test_true = case.truth.of("inputs" if test.true_inputs is None else "true_inputs")
    return {"input_r2": metrics.input_r2(true, own, test_true, test_own)}, {}


def _procrustes(case: Case) -> Scores:
    return {"procrustes": metrics.procrustes(case.truth.of("latents")[1], case.of("latents")[1])}, {}


def _dsa(case: Case) -> Scores:
    truth, settings = case.truth, case.truth.settings
    own, true = truth.operator(case.of("latents")[1]), truth.own_operator
    values = [np.linalg.eigvals(operator) for operator in (true, own)]
    return {
        "dsa": metrics.operator_distance(true, own, settings.generator(), settings.options.dsa_starts),
        "dsa_floor": truth.floor,
        "dsa_eigenvalues": metrics.eigenvalue_distance(*values),
        **dict(zip(("dsa_delays_used", "dsa_rank_used"), truth.dimensions, strict=True)),
    }, {"operator_true": values[0], "operator_inferred": values[1]}


def remarks(scores: Mapping[str, float]) -> list[str]:
    """What a reader of a model's scores has to know besides: a distance that noise alone reaches, unmatched points."""
    found = []
    if "dsa" in scores and not scores["dsa"] > scores["dsa_floor"]:
        found.append(f"dsa {scores['dsa']:.3g} is not above the floor {scores['dsa_floor']:.3g}")
    true, own = (scores.get(f"points_{whose}", 0) for whose in ("true", "inferred"))
    if true != own:
        found.append(f"fixed points: {min(true, own)} matched, of {true} true and {own} inferred")
    return found


def _fixed_points(case: Case) -> Scores:
    true, own = case.truth.points, case.points
    arrays = {
        "points_true": case.truth.shown(true.points.numpy()),
        "points_inferred": case.truth.shown(case.to_truth(own.points.numpy())),
        "unstable_true": true.unstable.numpy(),
        "unstable_inferred": own.unstable.numpy(),
    }
    scores = {
        "points_true": len(true.points),
        "points_inferred": len(own.points),
        "points_matched": min(len(true.points), len(own.points)),
        "slow_true": len(true.slow),
        "slow_inferred": len(own.slow),
    }
    if len(true.points) and len(own.points):
        found = case.matched
        scores |= {f"points_{name}": getattr(found, name) for name in ("distance", "agreement", "share")}
    return scores, arrays


def _eigenvalues(case: Case) -> Scores:
    found, leading, dt = case.matched, case.truth.settings.options.leading, case.truth.dt
    pairs = [
        metrics.match_eigenvalues(
            case.truth.points.eigenvalues[one].numpy(), case.points.eigenvalues[other].numpy(), leading, dt
        )
        for one, other in zip(found.true, found.inferred, strict=True)
    ]
    names = ("distance", "time_constants", "frequencies")
    scores = {f"eigenvalue_{name}": _mean([getattr(pair, name) for pair in pairs]) for name in names}
    arrays = {f"eigenvalues_{whose}": np.stack([getattr(pair, whose) for pair in pairs])
              for whose in ("true", "inferred")}  # fmt: skip
    return scores, arrays


def _mean(values: list[float]) -> float:
    """Of those that are known."""
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else np.nan


def _memories(case: Case) -> Scores:
    """How many different states the test trials end in when both systems are left to themselves, and whether the same
    trials end together."""
    truth, true, own = case.truth, case.truth.ends, case.known()
    x = truth.held_input(case.inputs(), own.channels)
    inferred = truth.settings.ended(own, case.of("latents")[1], x)
    return {
        "memories_true": int(true.max()) + 1,
        "memories_inferred": int(inferred.max()) + 1,
        "memories_agreement": metrics.rand_index(true, inferred),
    }, {}


def _spectrum(case: Case) -> Scores:
    truth, system = case.truth, case.known()
    true, inputs = truth.exponents, case.inputs()
    first = case.arrays["test_start"] if "test_start" in case.arrays else case.of("latents")[1][:, 0]
    none = np.zeros((*truth.test.spikes.shape[:2], system.channels))
    state = torch.from_numpy(np.asarray(first[0], dtype=np.float64))
    own = truth.settings.exponents(system, state, none if inputs is None else inputs, truth.dt)
    return {
        "spectrum_distance": metrics.spectrum_distance(true, own),
        "lambda_max_true": float(true[0]),
        "lambda_max_inferred": float(own[0]),
    }, {"exponents_true": true, "exponents_inferred": own}


SCORES = tuple(score.column for score in metrics.scores())
HEADLINE_SCORES = tuple(score.column for score in metrics.scores() if score.headline)
SCORERS: dict[str, Callable[[Case], Scores]] = {
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
