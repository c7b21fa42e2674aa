"""From a Run's config to its initial low-rank factors: drawn or pretrained, their support, and trainable entries."""

import dataclasses
import re
from collections.abc import Iterable, Mapping

import numpy as np
import torch

from randomnet.analysis import select_from_text, units_of
from randomnet.build import pretrained
from randomnet.connectome import Connectome
from randomnet.rnn import FACTORS, LowRankFactors, Network
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError, nearest
from randomnet.tasks import TASKS

LARGEST = 1e15  # entry of a factor, whose products stay numbers in float32
ROUNDING = 1e-12  # share of a covariance's largest eigenvalue by which others may be below 0


def without_background(run: Run, connectome: Connectome) -> Connectome:
    """Return the connectome, or with net.background = False its neurons without their edges."""
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
    """Return the initial output patterns and selection vectors (N, K) of the run; None with net.rank = 0.

    m = N(0, sd^2) and n = overlap m + N(0, sd^2), or with the covariances and means that are named; both are 0 outside
    the support. All neurons are drawn whatever the support, and one factor after the other, so that further factors do
    not change the first ones. Raises ConfigError.
    """
    net = run.config.net
    if not net.rank:
        return None
    if net.rank > connectome.n:
        raise ConfigError(f"[net] rank: expected at most N = {connectome.n}, got {net.rank}")
    if net.factor_on == "edges" and not len(connectome.weights):
        raise ConfigError(f"[net] factor_on: expected all, as {connectome.name} has no edges, got edges")
    means, covariances = _means(net.factor_mean, net.rank), _covariances(net.factor_cov, net.rank)
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
    _apply_covariances((output, selection), drawn, covariances, net.factor_sd, net.factor_overlap)
    for (which, k), mean in means.items():
        (output, selection)[which][:, k] += mean
    support = support_of(run, connectome)
    for values in (output, selection):
        values[~support] = 0
    if run.config.takes_stored_network:
        for values, stored in zip((output, selection), pretrained.pretrained_factors(run), strict=True):
            values[:, : stored.shape[1]] = stored
    return output, selection


def with_factors(run: Run, connectome: Connectome) -> Connectome:
    """Return the connectome, whose weights include the factors if these act on its edges. Raises ConfigError."""
    net = run.config.net
    if not net.rank or net.factor_on != "edges":
        return connectome
    factors = LowRankFactors(*factors_of(run, connectome), on_edges=True)
    network = Network(connectome, keep_signs=net.dales_law is not False, factors=factors)
    return connectome.replace(network.edge_weights().numpy())


Entry = tuple[int, int]  # one of a neuron's 2K numbers: 0 for m or 1 for n, and the factor's index from 0


def _means(written: Iterable[tuple[str, float]], rank: int) -> dict[Entry, float]:
    """Return the means that are named. Raises ConfigError."""
    return {_entry(name, rank, "factor_mean"): _below_limit(value, "factor_mean") for name, value in written}


def _covariances(written: Iterable[tuple[str, float]], rank: int) -> dict[tuple[Entry, Entry], float]:
    """Return the covariances that are named. Raises ConfigError where a pair is named twice."""
    covariances: dict[tuple[Entry, Entry], float] = {}
    for name, value in written:
        names = name.split()
        if len(names) != 2:
            raise ConfigError(f"[net] factor_cov: expected pairs of names such as m1 n1, got {name!r}")
        first, second = (_entry(name, rank, "factor_cov") for name in names)
        if (second, first) in covariances or (first, second) in covariances:
            raise ConfigError(f"[net] factor_cov: expected every pair once, got {name!r} a second time")
        covariances[first, second] = _below_limit(value, "factor_cov")
    return covariances


def _entry(name: str, rank: int, key: str) -> Entry:
    match = re.fullmatch(r"([mn])([1-9]\d{0,5})", name)
    if not match or int(match[2]) > rank:
        known = [f"{letter}{k}" for k in range(1, 1 + min(rank, 20)) for letter in "mn"]
        expected = "m1 or n1" if rank == 1 else f"m1 to m{rank} or n1 to n{rank}"
        raise ConfigError(f"[net] {key}: expected names that are {expected}, got {name!r}{nearest(name, known)}")
    return "mn".index(match[1]), int(match[2]) - 1


def _below_limit(value: float, key: str) -> float:
    if not abs(value) < LARGEST:
        raise ConfigError(f"[net] {key}: expected numbers below {LARGEST:g}, got {value:g}")
    return value


def _apply_covariances(
    factors: tuple[np.ndarray, np.ndarray],
    drawn: np.ndarray,
    covariances: Mapping[tuple[Entry, Entry], float],
    sd: float,
    overlap: float,
) -> None:
    """Give the factors (N, K) that `covariances` names these covariances; the others stay the same.

    drawn: (K, 2, N), the standard normal numbers of all factors. Raises ConfigError where no numbers have such
    covariances.
    """
    named = sorted({k for pair in covariances for _, k in pair})
    if not named:
        return
    default = np.array([[sd, 0], [overlap * sd, sd]])
    matrix = np.kron(np.eye(len(named)), default @ default.T)  # of m_a, n_a, m_b, n_b, ...
    for pair, value in covariances.items():
        row, column = (2 * named.index(k) + which for which, k in pair)
        matrix[row, column] = matrix[column, row] = value
    values, vectors = np.linalg.eigh(matrix)
    if values[0] < -ROUNDING * max(values[-1], 0.0):
        raise ConfigError(
            "[net] factor_cov: expected with factor_sd and factor_overlap a covariance without negative eigenvalues, "
            f"got a smallest one of {values[0]:.4g}"
        )
    upper = np.asarray(np.linalg.qr((vectors * np.sqrt(values.clip(0))).T, mode="r"))
    lower = upper.T * np.where(np.diag(upper) < 0, -1, 1)  # so that each factor depends only on those before it
    values = lower @ drawn[named].reshape(len(matrix), -1)
    for which, entries in enumerate(factors):
        entries[:, named] = values[which::2].T


def support_of(run: Run, connectome: Connectome) -> np.ndarray:
    """Return the units (N,) bool that the factors may read and write. Raises ConfigError."""
    text = run.config.net.factor_support
    if not text:
        return np.ones(connectome.n, dtype=bool)
    support = np.zeros(connectome.n, dtype=bool)
    try:
        support[select_from_text(units_of(connectome), text).numpy()] = True
    except ValueError as error:
        raise ConfigError(f"[net] factor_support: {error}") from None
    return support


def check_support(run: Run, connectome: Connectome, network: Network) -> None:
    """Raise ConfigError where pretrained factors read or write units outside the support."""
    if not network.rank:
        return
    outside = torch.from_numpy(~support_of(run, connectome))
    if any(bool(values.detach().cpu()[outside].any()) for values in network.factors()):
        raise ConfigError(
            "[net] factor_support: expected all units that the factors of paths.pretrained read or write, got "
            f"{run.config.net.factor_support!r}"
        )


def readout_gains(run: Run) -> np.ndarray | None:
    """Return the initial gains (outputs,) of a readout of overlaps; None for a linear one. Raises ConfigError."""
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


def trainable_entries(run: Run, connectome: Connectome) -> dict[str, np.ndarray]:
    """Return the trained entries of the flattened factors: those on the support, of factors that are not frozen."""
    if "factors" not in run.config.trained:
        return {}
    trained, frozen = np.ones(run.config.net.rank, dtype=bool), run.config.trainvalidate.freeze_factors
    if frozen != "none":
        trained[np.array(frozen) - 1] = False
    entries = np.flatnonzero(support_of(run, connectome)[:, None] & trained)
    return dict.fromkeys(FACTORS, entries)
