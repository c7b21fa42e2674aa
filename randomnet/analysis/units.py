"""Which units: one table of their names and labels, and the one selector that every function goes by.

A selection is a text: the name of a region, a parent or a population; `region/type`, a cell type of one region; or
`kind=value` for a label of any kind (`type=exc`, and `neuron=EPG01` for one unit). Whatever is selected comes in the
order of the network, each unit once.

After mRNNTorch's get_region_activity and get_weight_subset, which dropped unknown names and gave activity in the
caller's order, or a set's, where weights were in that of the network.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from randomnet.analysis.linear import block
from randomnet.config import nearest
from randomnet.connectome import Connectome

Selection = str | Sequence[str]  # one selection or several, whose units are then taken together

PAIR = "region/type"
NAMED = ("region", "parent", "population", PAIR)  # kinds whose values are selections as they are
SHOWN = 40  # names that an error lists


@dataclass(frozen=True, eq=False)
class Units:
    """The N units of a network, in its order.

    names: (N,) texts. labels: kind (`region`, `type`, `parent`, ...) -> (N,) texts, "" where a unit has none.
    signs: (N,), of each unit's outgoing weights: 1, -1, or 0 where it has none or both. Raises ValueError for labels
    or signs of another shape.
    """

    names: np.ndarray
    labels: Mapping[str, np.ndarray]
    signs: np.ndarray

    def __post_init__(self) -> None:
        labels = {f"labels[{kind!r}]": texts for kind, texts in self.labels.items()}
        for what, values in {**labels, "signs": self.signs}.items():
            if values.shape != (self.n,):
                raise ValueError(f"{what} must have shape ({self.n},), got {values.shape}")

    @property
    def n(self) -> int:
        """Number of units N."""
        return len(self.names)

    @cached_property
    def kinds(self) -> dict[str, np.ndarray]:
        """Kind -> (N,) texts: every kind of label, `neuron`, each its own name, and `region/type` where there are both.

        A unit without a type has its region alone as `region/type`.
        """
        kinds = {**self.labels, "neuron": self.names}
        if {"region", "type"} <= set(self.labels):
            pairs = zip(self.labels["region"], self.labels["type"], strict=True)
            kinds[PAIR] = np.array([f"{region}/{kind}" if region and kind else region for region, kind in pairs])
        return kinds

    @property
    def table(self) -> pd.DataFrame:
        """One row per unit: its number, its name (`neuron`), its sign and its label of every kind."""
        return pd.DataFrame({"unit": np.arange(self.n), "neuron": self.names, "sign": self.signs, **self.labels})

    def groups(self, by: str) -> dict[str, Tensor]:
        """Label -> the units that have it, (n,) int64, ascending; groups in the order of their first units.

        by: one of `kinds`. Units without a label are in no group. Raises ValueError where `by` is no kind, or no unit
        has a label of it.
        """
        if by not in self.kinds:
            raise ValueError(f"by must be one of {', '.join(self.kinds)}, got {by!r}{nearest(str(by), self.kinds)}")
        values, first, index, sizes = np.unique(
            self.kinds[by], return_index=True, return_inverse=True, return_counts=True
        )
        parts = np.split(np.argsort(index, kind="stable"), sizes.cumsum()[:-1])
        found = {str(values[group]): torch.from_numpy(parts[group]) for group in np.argsort(first) if values[group]}
        if not found:
            raise ValueError(f"by = {by!r}: no unit has a label of that kind")
        return found


def units_of(connectome: Connectome) -> Units:
    """The unit table of a network: its names, its labels, and the signs of what its neurons send."""
    return Units(connectome.names, connectome.labels, connectome.signs)


# ---- the selector


def select(units: Units, *selection: str) -> Tensor:
    """The units of all selections together, (n,) int64: in the order of the network, each once; of none, all units.

    Raises ValueError for a name that is empty, unknown (the error lists those there are and the nearest), or
    ambiguous: one that is of several kinds and means other units in each; `kind=value` says which.
    """
    chosen = np.full(units.n, not selection)
    for name in selection:
        chosen |= _mask(units, name)
    return torch.from_numpy(np.flatnonzero(chosen))


def select_from_text(units: Units, text: str) -> Tensor:
    """The units of a text as an INI has it: one name, commas and all, or several with commas between them; all where
    it is empty. Raises ValueError, see `select`."""
    text = text.strip()
    try:
        return select(units, *([text] if text else []))
    except ValueError:
        return select(units, *(name.strip() for name in text.split(",")))


def _mask(units: Units, name: str) -> np.ndarray:
    """(N,) bool: the units that one selection means."""
    if not isinstance(name, str) or not name:
        raise ValueError(f"a selection must be a name, got {name!r}")
    found = {meaning: mask for meaning, mask in _meanings(units, str(name)) if mask.any()}
    if not found:
        raise ValueError(_unknown(units, str(name)))
    if any((one != other).any() for one, other in combinations(found.values(), 2)):
        came = " or ".join(f"{meaning} ({mask.sum()} units)" for meaning, mask in found.items())
        raise ValueError(f"the selection {str(name)!r} is ambiguous, say which: {came}")
    return next(iter(found.values()))


def _meanings(units: Units, name: str) -> Iterator[tuple[str, np.ndarray]]:
    """What a name may mean, as kind=value, and the units where it would; kinds and values may hold `=` themselves."""
    for kind in NAMED:
        if kind in units.kinds:
            typed = units.labels["type"] != "" if kind == PAIR else True  # a region is all of its units
            yield f"{kind}={name}", (units.kinds[kind] == name) & typed
    for place, letter in enumerate(name):
        kind, value = name[:place], name[place + 1 :]
        if letter == "=" and kind in units.kinds and value:  # "" is no label: units have it that have none
            yield name, units.kinds[kind] == value


def _unknown(units: Units, name: str) -> str:
    """What to say of a name that no unit has."""
    kind, equals, value = name.partition("=")
    if equals and kind in units.kinds:
        known = _values(units, [kind])
        return f"unknown {kind} {value!r}, expected {_listed(known)}{nearest(value, known)}"
    if equals:
        return f"unknown kind {kind!r} in {name!r}, expected {_listed(list(units.kinds))}{nearest(kind, units.kinds)}"
    known, kinds = _values(units, NAMED), f"kind=value of {', '.join(units.kinds)}"
    expected = f"{_listed(known)}, or {kinds}" if known else kinds
    return f"unknown selection {name!r}, expected {expected}{nearest(name, known)}"


def _values(units: Units, kinds: Iterable[str]) -> list[str]:
    """The labels of some kinds, each once, in the order of the network."""
    return list(dict.fromkeys(str(label) for kind in kinds for label in units.kinds.get(kind, ()) if label))


def _listed(names: list[str]) -> str:
    if not names:
        return "no name, as no unit has one"
    more = f", ... ({len(names)} in all)" if len(names) > SHOWN else ""
    return f"one of {', '.join(names[:SHOWN])}{more}"


# ---- what is selected


def region_activity(activity: Tensor, units: Units, *selection: str) -> Tensor:
    """Activity (..., n) of the units selected, out of that of all (..., N); see `select`.

    Raises ValueError where the last axis is not that of the units.
    """
    _check_last(activity, units, "activity")
    return activity.index_select(-1, select(units, *selection).to(activity.device))


def weight_subset(weights: Tensor, units: Units, to: Selection | None = None, from_: Selection | None = None) -> Tensor:
    """Weights (..., n_to, n_from) to some units from some, out of J[post, pre] (..., N, N); differentiable.

    to, from_: one selection or several, () for all units. Where only one is given it is both: the square block among
    these units; where neither is, all weights. Any matrix between units will do, a Jacobian too. Raises ValueError for
    weights of another shape; see `select`.
    """
    if weights.ndim < 2 or weights.shape[-2:] != (units.n, units.n):
        raise ValueError(f"weights must have shape (..., {units.n}, {units.n}), got {tuple(weights.shape)}")
    ends = (from_ if to is None else to, to if from_ is None else from_)
    return block(weights, *(_among(units, end).to(weights.device) for end in ends))


def fill_units(state: Tensor, units: Units, parts: Mapping[Selection, Tensor]) -> Tensor:
    """The state (..., N) with the activity of subsets put in: {selection: activity (..., n)}; differentiable.

    A selection of several is a tuple, and its activity is in the order of the network, as `region_activity` gives it.
    Units in no part keep their state; the result has the dtype and device of `state`, which is left as it is. Raises
    ValueError for an activity of another shape, or for parts that share units.
    """
    _check_last(state, units, "state")
    result, owner, names = state, np.full(units.n, -1), list(parts)
    for number, (selection, activity) in enumerate(parts.items()):
        index = _among(units, selection)
        expected = (*state.shape[:-1], len(index))
        if activity.shape != expected:
            raise ValueError(f"the activity of {selection!r} must have shape {expected}, got {tuple(activity.shape)}")
        taken = owner[index.numpy()]
        if taken.max() >= 0:
            came = f"{(taken >= 0).sum()} of {selection!r} are in {names[taken.max()]!r} too"
            raise ValueError(f"parts must share no units, but {came}")
        owner[index.numpy()] = number
        result = result.index_copy(-1, index.to(state.device), activity.to(state))
    return result.clone() if result is state else result


def _among(units: Units, selection: Selection | None) -> Tensor:
    """The units of one selection or of several; None for all."""
    return select(units, *([selection] if isinstance(selection, str) else selection or ()))


def _check_last(values: Tensor, units: Units, what: str) -> None:
    if values.ndim < 1 or values.shape[-1] != units.n:
        raise ValueError(f"{what} must have shape (..., {units.n}), one value per unit, got {tuple(values.shape)}")
