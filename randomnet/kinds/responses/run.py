"""kind = responses: the response of every neuron to input into every other one, beside measured responses.

The network is at rest at the fixed point that it settles at from silence. Responses are those of the network linearised
there, in closed form, or of the network itself. Pairs of a neuron with itself are left out.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from randomnet import results
from randomnet.analysis.response_gains import GainModel
from randomnet.analysis.responses import OperatingPoint, slopes_at, steady_responses, weights_of
from randomnet.build.connectome import connectome_of, with_labels
from randomnet.build.coupling_strength import strength_of
from randomnet.build.measured_responses import responses_of
from randomnet.build.network import Setup, build_setup, check_network, double
from randomnet.connectome import Connectome
from randomnet.connectome.label_groups import UNLABELLED
from randomnet.kinds.kind import Cost, Kind, ProgressCallback, Ranking, Stop, one_at_a_time
from randomnet.kinds.progress import interruption_check
from randomnet.kinds.responses.computing import responses_at_rest
from randomnet.kinds.responses.gains import GainFit, fit_gains
from randomnet.kinds.responses.options import CLOSED_FORM, FITTED
from randomnet.kinds.responses.outputs import arrays_of, columns_of
from randomnet.kinds.responses.scoring import ResponseScores, score
from randomnet.rnn import Dynamics
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError, nearest

HEADLINE = ("pairs", "stimulated_neurons", "auc", "auc_low", "auc_high", "auc_permuted", "auc_gains", "seconds")
SOLVES = 400  # of a fit of gains, with its gradients
SCORING = 3.0  # seconds of intervals and permutations
MOST_LISTED = 100  # names without a neuron in the manifest


def check(run: Run) -> dict[str, Any]:
    """Check all that can be wrong before the run starts; return the connectome's facts. Raises ConfigError."""
    facts, connectome = check_network(run), connectome_of(run)
    measured = responses_of(run, connectome)
    classes_of(run, connectome)
    return facts | {
        "measured_pairs": len(measured.q),
        "measured_pairs_of_one_neuron": measured.left_out,
        "unmatched": list(measured.unmatched[:MOST_LISTED]),
    }


def classes_of(run: Run, connectome: Connectome) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the class (N,) of each neuron and the names of the classes; None without gains. Raises ConfigError."""
    if not FITTED.holds(run.config):
        return None
    kind, labelled = run.config.responses.gains_by, with_labels(run, connectome)
    if kind not in labelled.labels:
        known = list(labelled.labels)
        raise ConfigError(
            f"[responses] gains_by: expected a kind of label of {connectome.name}, which has "
            f"{', '.join(known) or 'none ([net] labels reads a table of them)'}, got {kind!r}{nearest(kind, known)}"
        )
    index, names = labelled.groups(kind)
    return index, np.array([str(name) or UNLABELLED for name in names])


def length(run: Run) -> float:
    """Return the number of networks and fits."""
    return 1.0 + (run.config.responses.folds + 1 if FITTED.holds(run.config) else 0)


@torch.no_grad()
def execute_one(run: Run, folder: results.RunFolder, report: ProgressCallback, stop: Stop) -> dict[str, Any]:
    """Score one network and write arrays.npz; return the record for run.json."""
    began, setup, check_stop = time.perf_counter(), build_setup(run), interruption_check(stop)

    def advance() -> None:
        check_stop()
        report({"advance": 1})

    summary: dict[str, Any] = {"neurons": setup.connectome.n, **strength_of(setup.network)}
    measured = responses_of(run, setup.connectome)
    neurons = torch.from_numpy(measured.neurons).to(setup.state.device)
    network = double(setup.network)
    point, reason, responses = responses_at_rest(run.config, network, neurons, check_stop)
    if point is not None:
        summary["leading_modulus"] = point.modulus
    if point is not None and responses is not None:
        settings, rng = run.config.responses, run.generator("responses")
        scores = score(setup.connectome, measured, responses.cpu().numpy(), settings, rng)
        advance()
        fit = gains_of(run, setup, network.autonomous(), point, scores, advance)
        results.write_arrays(folder.path / "arrays.npz", arrays_of(scores, fit))
        summary |= columns_of(scores, fit)
    return {
        "status": results.DIVERGED if reason else results.COMPLETE,
        "reason": reason,
        "summary": summary | {"seconds": round(time.perf_counter() - began, 2)},
        "connectome": setup.facts(),
    }


def gains_of(
    run: Run, setup: Setup, system: Dynamics, point: OperatingPoint, scores: ResponseScores, advance: Callable[[], None]
) -> GainFit | None:
    """Return the fitted gains of the classes; None where none are asked for."""
    classes = classes_of(run, setup.connectome)
    if classes is None:
        return None
    weights, slopes = (each.detach().cpu() for each in (weights_of(system), slopes_at(system, point.state)))
    model = GainModel(weights, slopes, torch.from_numpy(classes[0]))
    with torch.enable_grad():
        return fit_gains(model, classes[1], scores, run.config.responses.folds, run.generator("responses", 1), advance)


def estimate(runs: Sequence[Run]) -> Cost:
    """Return the cost of each run, from one step or one solution."""
    run = runs[0]
    setup = build_setup(run)
    with torch.no_grad():
        system = double(setup.network).autonomous()
        began, repeats = time.perf_counter(), length(run) - 1
        if CLOSED_FORM.holds(run.config):
            steady_responses(weights_of(system), torch.zeros_like(system.gains) + 0.5)
            repeats = 1 + SOLVES * repeats
        else:
            system.step(torch.zeros(len(responses_of(run, setup.connectome).neurons), setup.n).to(system.gains))
            repeats = run.config.responses.response_time / run.config.model.dt
    seconds = time.perf_counter() - began
    return Cost(seconds, SCORING + seconds * repeats)


KIND = Kind(
    check=check,
    execute=one_at_a_time(execute_one),
    estimate=estimate,
    length=length,
    unit="network or fit",
    headline=HEADLINE,
    rankings=(Ranking("auc", lowest_first=False),),
)
