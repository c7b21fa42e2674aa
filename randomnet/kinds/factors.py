"""The factors of low rank that a run's network begins with: drawn, or taken over from a stored model, and what of them
is trained."""

import dataclasses

import numpy as np
import torch

from randomnet.analysis import selected, units_of
from randomnet.config import ConfigError, Run
from randomnet.connectome import Connectome
from randomnet.kinds import pretrained
from randomnet.rnn import FACTORS, Network
from randomnet.tasks import TASKS

LARGEST = 1e15  # of an entry of a factor: its products stay numbers in float32


def without_background(run: Run, connectome: Connectome) -> Connectome:
    """The connectome, or where net.background = False its neurons without their edges."""
    if run.config.net.background:
        return connectome
    none = np.zeros(0, dtype=np.int64)
    return dataclasses.replace(
        connectome,
        post=none,
        pre=none,
        weights=np.zeros(0),
        provenance={**connectome.provenance, "background": False},
    )


def factors_of(run: Run, connectome: Connectome) -> tuple[np.ndarray, np.ndarray] | None:
    """Output patterns and selection vectors (N, K) that the run begins with; None where net.rank = 0.

    m = N(0, sd^2) and n = overlap m + N(0, sd^2), 0 beside the support; all draws are made whatever the support, and
    one factor after the other, so that more of them leave the first as they are. Raises ConfigError.
    """
    net = run.config.net
    if not net.rank:
        return None
    if net.rank > connectome.n:
        raise ConfigError(f"[net] rank: expected at most N = {connectome.n}, got {net.rank}")
    drawn = run.generator("factors").standard_normal((net.rank, 2, connectome.n))
    with np.errstate(over="ignore"):
        output, selection = net.factor_sd * drawn[:, 0].T, net.factor_sd * drawn[:, 1].T
        selection = selection + net.factor_overlap * output
    largest = max(np.abs(output).max(), np.abs(selection).max())
    if not largest < LARGEST:
        raise ConfigError(
            f"[net] factor_sd: expected with factor_overlap = {net.factor_overlap:g} factors below {LARGEST:g}, "
            f"got {net.factor_sd:g}"
        )
    support = support_of(run, connectome)
    for values in (output, selection):
        values[~support] = 0
    if run.config.paths.pretrained and run.config.has_task:
        for values, held in zip((output, selection), pretrained.factors_of(run), strict=True):
            values[:, : held.shape[1]] = held
    return output, selection


def support_of(run: Run, connectome: Connectome) -> np.ndarray:
    """(N,) bool: the units that the factors may read and write. Raises ConfigError."""
    chosen = run.config.net.factor_support
    if not chosen:
        return np.ones(connectome.n, dtype=bool)
    support = np.zeros(connectome.n, dtype=bool)
    try:
        support[selected(units_of(connectome), chosen).numpy()] = True
    except ValueError as error:
        raise ConfigError(f"[net] factor_support: {error}") from None
    return support


def check_support(run: Run, connectome: Connectome, network: Network) -> None:
    """ConfigError where factors that have been taken over read or write other units."""
    if not network.rank:
        return
    outside = torch.from_numpy(~support_of(run, connectome))
    if any(bool(values.detach().cpu()[outside].any()) for values in network.factors()):
        raise ConfigError(
            "[net] factor_support: expected all units that the factors of paths.pretrained read or write, got "
            f"{run.config.net.factor_support!r}"
        )


def readout_gains(run: Run) -> np.ndarray | None:
    """The gains (outputs,) that a readout of overlaps begins with; None for a linear one. Raises ConfigError."""
    net, task = run.config.net, run.config.trialparams
    if net.readout != "overlap":
        return None
    outputs = TASKS[task.task_name].sizes(vars(task))[1]
    if outputs > net.rank:
        raise ConfigError(
            f"[net] rank: expected at least {outputs} with readout = overlap, one factor for each output of "
            f"{task.task_name}, got {net.rank}"
        )
    return np.full(outputs, 1.0 if net.readout_gain == "learnt" else net.readout_gain)


def moving(run: Run, connectome: Connectome) -> dict[str, np.ndarray]:
    """Which entries of the flattened factors are trained: those on the support, of factors that are not frozen."""
    if "factors" not in run.config.trained:
        return {}
    going, frozen = np.ones(run.config.net.rank, dtype=bool), run.config.trainvalidate.freeze_factors
    if frozen != "none":
        going[np.array(frozen) - 1] = False
    entries = np.flatnonzero(support_of(run, connectome)[:, None] & going)
    return dict.fromkeys(FACTORS, entries)
