"""Sensitivities of a network's exponents to its gains, its shifts, and the strengths of the edges between groups."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from randomnet.connectome.label_groups import LabelGroup
from randomnet.lyapunov.covariant import CovariantVectors
from randomnet.lyapunov.sensitivity import mean_and_error, sensitivities, windows_of
from randomnet.rnn import Dynamics, Network
from randomnet.rnn.couplings import Dense, Sparse

MOST_GROUPS = 24  # of one kind of label whose pairs are summed
PARTS = ("gains", "shifts", "pairs")


@dataclass(frozen=True)
class Pairs:
    """Pairs of groups of one kind of label: kinds, post and pre (P,) name them.

    numbers: by kind of label, the number of each neuron's group (N,); counts: of groups.
    """

    numbers: Sequence[Tensor]
    counts: Sequence[int]
    kinds: np.ndarray
    post: np.ndarray
    pre: np.ndarray

    def sums(self, post: Tensor, pre: Tensor, values: Tensor) -> Tensor:
        """(P,): sums of the values (E,) of edges (post, pre), by pairs of groups."""
        parts = []
        for number, count in zip(self.numbers, self.counts, strict=True):
            pair = number[post] * count + number[pre]
            parts.append(values.new_zeros(count * count).index_add_(0, pair, values))
        return torch.cat(parts) if parts else values.new_zeros(0)


def pairs_of(groups: Sequence[LabelGroup], like: Tensor) -> Pairs:
    """Return the pairs of all groups of each kind of label with at most MOST_GROUPS groups.

    like: (N,), a tensor on the device of the network.
    """
    kinds = [kind for kind in dict.fromkeys(group.kind for group in groups)
             if sum(group.kind == kind for group in groups) <= MOST_GROUPS]  # fmt: skip
    numbers, counts, names = [], [], []
    for kind in kinds:
        members = [group for group in groups if group.kind == kind]
        number = torch.zeros(len(like), dtype=torch.int64)
        for place, group in enumerate(members):
            number[group.members] = place
        numbers.append(number.to(like.device))
        counts.append(len(members))
        names += [(kind, post.name, pre.name) for post in members for pre in members]
    columns = np.array(names, dtype=str).reshape(-1, 3).T
    return Pairs(numbers, counts, *columns)


@dataclass(frozen=True)
class Sensitivities:
    """Derivatives of the exponents, means and standard errors over windows: part -> (k, ...), per tau.

    gains, shifts: (k, groups), by the change of one value; absent where the activation has none. pairs: (k, P), by the
    relative change of all weights from one group to another, which is the sum of J dlambda/dJ over these edges; absent
    for networks with low-rank factors beside or without edges.
    """

    means: dict[str, np.ndarray]
    errors: dict[str, np.ndarray]
    pairs: Pairs
    window: float
    windows: int

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what arrays.npz has of the sensitivities; docs/vectors.md lists it."""
        arrays = {f"sensitivity_{name}": values for name, values in self.means.items()}
        arrays |= {f"sensitivity_{name}_stderr": values for name, values in self.errors.items()}
        if "pairs" in self.means:
            pairs = self.pairs
            arrays |= {"pair_kinds": pairs.kinds, "pair_post": pairs.post, "pair_pre": pairs.pre}
        return arrays | {"sensitivity_window": np.array(self.window), "sensitivity_windows": np.array(self.windows)}


def leaf_dynamics(network: Network) -> Dynamics:
    """Return the dynamics of a float64 network as a function of each neuron's gain and shift and the entries of J.

    They require a gradient, and have no graph of their own. Gains and shifts count also where all are 1 and 0. J
    requires none for networks with low-rank factors beside or without edges.
    """
    dynamics = network.dynamics().double()
    gains, shifts = (each.clone().requires_grad_() for each in (dynamics.gains, dynamics.shifts))
    coupling = dynamics.coupling
    if isinstance(coupling, Dense | Sparse):
        coupling = coupling.with_parameters([each.clone().requires_grad_() for each in coupling.parameters])
    return replace(dynamics, gains=gains, shifts=shifts, coupling=coupling, activation=network.activation)


def with_dynamics(system: Any, dynamics: Dynamics) -> Any:
    """Return the system with these dynamics, and its own drive."""
    if isinstance(system, Dynamics):
        return replace(dynamics, drive=system.drive)
    return replace(system, system=replace(dynamics, drive=system.system.drive))


def network_sensitivities(
    network: Network,
    system: Any,
    vectors: CovariantVectors,
    groups: Sequence[LabelGroup],
    on_progress: Callable[[float], None] = lambda time: None,
) -> Sensitivities:
    """Return sensitivities of the exponents of the vectors, in windows of their record.

    network: in float64. system: that of the vectors, which is the network's `Dynamics`, or driven by trials.
    """
    leaves = leaf_dynamics(network)
    has_edges, stretches = isinstance(leaves.coupling, Dense | Sparse), network.activation.stretches
    parameters = [leaves.gains, leaves.shifts, *(leaves.coupling.parameters if has_edges else ())]
    pairs = pairs_of(groups, leaves.gains)
    post, pre = network.edges // network.n, network.edges % network.n
    count, index = len(network.gains()), network.groups.to(leaves.gains.device)

    def reduced(gradients: Sequence[Tensor]) -> list[Tensor]:
        parts = [part.new_zeros(count).index_add_(0, index, part) for part in gradients[: 2 * stretches]]
        if has_edges:
            products = parameters[2].detach() * gradients[2]
            parts.append(pairs.sums(post, pre, products[post, pre] if products.ndim == 2 else products))
        return parts

    names = PARTS[: 2 * stretches] + PARTS[2:] * has_edges
    windows = windows_of(vectors, system.dt, leaves.gains.detach())
    values = sensitivities(windows, with_dynamics(system, leaves), parameters, reduced, on_progress)
    results = {name: mean_and_error(part) for name, part in zip(names, values, strict=True)}
    means, errors = ({name: result[place] for name, result in results.items()} for place in (0, 1))
    return Sensitivities(means, errors, pairs, windows.time, len(windows.starts))
