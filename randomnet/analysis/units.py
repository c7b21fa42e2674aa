"""Units of a network: the table of their names and labels, and the selection of units by name.

A selection is a text: the name of a region, a parent or a population; `region/type`, a cell type in one region; or
`kind=value`, a label of any kind (`type=exc`, or `neuron=EPG01` for one unit). Selected units are in the order of the
network, without repetition.

It follows get_region_activity and get_weight_subset of mRNNTorch. There unknown names are ignored, and activity can be
in another order than weights.
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
from randomnet.array_arguments import takes_arrays
from randomnet.connectome import Connectome
from randomnet.display import Brief
from randomnet.settings import nearest

Selection = str | Sequence[str]  # one selection, or several whose units are combined

PAIR = "region/type"
NAMED = ("region", "parent", "population", PAIR)  # kinds whose values are selections without `kind=`
LISTED = 40  # largest number of names in an error message


@dataclass(frozen=True, eq=False, repr=False)
class Units(Brief):
    """The N units of a network, in its order.

    names: (N,) texts. labels: kind (`region`, `type`, `parent`, ...) -> (N,) texts, "" for units without a label.
    signs: (N,), sign of each unit's outgoing weights, 1 or -1, and 0 for none or both. Raises ValueError for labels or
    signs of another shape.
    """

    names: np.ndarray
    labels: Mapping[str, np.ndarray]
    signs: np.ndarray

    def __post_init__(self) -> None:
        labels = {f"labels[{kind!r}]": texts for kind, texts in self.labels.items()}
        for name, values in {**labels, "signs": self.signs}.items():
            if values.shape != (self.n,):
                raise ValueError(f"{name} must have shape ({self.n},), got {values.shape}")

    @property
    def n(self) -> int:
        """Number of units N."""
        return len(self.names)

    @cached_property
    def kinds(self) -> dict[str, np.ndarray]:
        """Kind -> (N,) texts: every kind of label, `neuron` for the names, and `region/type` if both kinds exist.

        For a unit without a type `region/type` is its region.
        """
        kinds = {**self.labels, "neuron": self.names}
        if {"region", "type"} <= set(self.labels):
            pairs = zip(self.labels["region"], self.labels["type"], strict=True)
            kinds[PAIR] = np.array([f"{region}/{kind}" if region and kind else region for region, kind in pairs])
        return kinds

    @property
    def table(self) -> pd.DataFrame:
        """A table with one row per unit: its number, its name (`neuron`), its sign and its labels."""
        return pd.DataFrame({"unit": np.arange(self.n), "neuron": self.names, "sign": self.signs, **self.labels})

    def groups(self, by: str) -> dict[str, Tensor]:
        """Label -> units with that label, (n,) int64, ascending. Groups are in the order of their first units.

        by: one of `kinds`. Units without a label are in no group. Raises ValueError for an unknown kind, and where no
        unit has a label of that kind.
        """
        if by not in self.kinds:
            raise ValueError(f"by must be one of {', '.join(self.kinds)}, got {by!r}{nearest(str(by), self.kinds)}")
        values, first, index, sizes = np.unique(
            self.kinds[by], return_index=True, return_inverse=True, return_counts=True
        )
        parts = np.split(np.argsort(index, kind="stable"), sizes.cumsum()[:-1])
        groups = {str(values[group]): torch.from_numpy(parts[group]) for group in np.argsort(first) if values[group]}
        if not groups:
            raise ValueError(f"by = {by!r}: no unit has a label of that kind")
        return groups


def units_of(connectome: Connectome) -> Units:
    """The units of a connectome, with their names, labels, and signs of outgoing weights.

    >>> import randomnet as rn
    >>> from randomnet.analysis import units_of
    >>> units_of(rn.connectome('AB')).table.columns.tolist()
    ['unit', 'neuron', 'sign', 'neurotransmitter', 'cell_fibers']
    """
    return Units(connectome.names, connectome.labels, connectome.signs)


# ---- selection


def select(units: Units, *selection: str) -> Tensor:
    """The units of all selections together, (n,) int64, ascending and without repetition; all units for no selection.

    Raises ValueError for an empty or unknown name; the error lists known names and the nearest one. Raises it also for
    an ambiguous name, which belongs to several kinds with different units; `kind=value` resolves it.

    >>> import numpy as np
    >>> import torch
    >>> from randomnet.analysis import Units, select
    >>> units = Units(np.array(['a', 'b', 'c']), {'region': np.array(['V1', 'V1', 'M1'])}, np.array([1, -1, 1]))
    >>> select(units, 'V1').tolist(), select(units, 'neuron=c').tolist()
    ([0, 1], [2])
    """
    mask = np.full(units.n, not selection)
    for name in selection:
        mask |= _mask(units, name)
    return torch.from_numpy(np.flatnonzero(mask))


def select_from_text(units: Units, text: str) -> Tensor:
    """The units of a selection in an INI: one name, which may contain commas, or several separated by commas.

    An empty text selects all units. Raises ValueError as `select` does.

    >>> import numpy as np
    >>> import torch
    >>> from randomnet.analysis import Units, select_from_text
    >>> units = Units(np.array(['a', 'b', 'c']), {'region': np.array(['V1', 'V1', 'M1'])}, np.array([1, -1, 1]))
    >>> select_from_text(units, 'V1, M1').tolist()
    [0, 1, 2]
    """
    text = text.strip()
    try:
        return select(units, *([text] if text else []))
    except ValueError:
        return select(units, *(name.strip() for name in text.split(",")))


def _mask(units: Units, name: str) -> np.ndarray:
    """(N,) bool: the units of one selection."""
    if not isinstance(name, str) or not name:
        raise ValueError(f"a selection must be a name, got {name!r}")
    masks = {meaning: mask for meaning, mask in _meanings(units, str(name)) if mask.any()}
    if not masks:
        raise ValueError(_unknown(units, str(name)))
    if any((first != second).any() for first, second in combinations(masks.values(), 2)):
        meanings = " or ".join(f"{meaning} ({mask.sum()} units)" for meaning, mask in masks.items())
        raise ValueError(f"the selection {str(name)!r} is ambiguous, say which: {meanings}")
    return next(iter(masks.values()))


def _meanings(units: Units, name: str) -> Iterator[tuple[str, np.ndarray]]:
    """Possible meanings of a name as `kind=value`, each with its mask (N,). Kinds and values may contain `=`."""
    for kind in NAMED:
        if kind in units.kinds:
            typed = units.labels["type"] != "" if kind == PAIR else True  # a bare region means all of its units
            yield f"{kind}={name}", (units.kinds[kind] == name) & typed
    for position, letter in enumerate(name):
        kind, value = name[:position], name[position + 1 :]
        if letter == "=" and kind in units.kinds and value:  # "" marks units without a label
            yield name, units.kinds[kind] == value


def _unknown(units: Units, name: str) -> str:
    """The error message for a name that no unit has."""
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
    """The different labels of these kinds, in the order of the network."""
    return list(dict.fromkeys(str(label) for kind in kinds for label in units.kinds.get(kind, ()) if label))


def _listed(names: list[str]) -> str:
    if not names:
        return "no name, as no unit has a label"
    more = f", ... ({len(names)} in all)" if len(names) > LISTED else ""
    return f"one of {', '.join(names[:LISTED])}{more}"


# ---- parts of activity and weights


@takes_arrays
def region_activity(activity: Tensor, units: Units, *selection: str) -> Tensor:
    """Activity (..., n) of the selected units, from the activity of all units (..., N); see `select`.

    Raises ValueError where the last axis does not have N entries.

    >>> import numpy as np
    >>> import torch
    >>> from randomnet.analysis import Units, region_activity
    >>> units = Units(np.array(['a', 'b', 'c']), {'region': np.array(['V1', 'V1', 'M1'])}, np.array([1, -1, 1]))
    >>> region_activity(torch.tensor([1.0, 2.0, 3.0]), units, 'V1').tolist()
    [1.0, 2.0]
    """
    _check_last(activity, units, "activity")
    return activity.index_select(-1, select(units, *selection).to(activity.device))


@takes_arrays
def weight_subset(
    weights: Tensor,
    units: Units,
    to: Selection | None = None,
    from_: Selection | None = None,
    *,
    sources: Units | None = None,
) -> Tensor:
    """The block (..., n_to, n_from) of weights J[post, pre] (..., N, N), or of a Jacobian; differentiable.

    to, from_: one selection or several, () for all units. If one of them is None, it equals the other, which gives a
    square block. If both are None, the block is the whole matrix. sources: the I units of the columns where these are
    others, as those of input weights (..., N, I); a `from_` of None then means all of them, and a `to` of None all
    units. Raises ValueError for weights of another shape, and as `select` does.

    >>> import numpy as np
    >>> import torch
    >>> from randomnet.analysis import Units, weight_subset
    >>> units = Units(np.array(['a', 'b', 'c']), {'region': np.array(['V1', 'V1', 'M1'])}, np.array([1, -1, 1]))
    >>> weight_subset(torch.arange(9.0).view(3, 3), units, to='M1', from_='V1').tolist()
    [[6.0, 7.0]]
    """
    columns = units if sources is None else sources
    if weights.ndim < 2 or weights.shape[-2:] != (units.n, columns.n):
        raise ValueError(f"weights must have shape (..., {units.n}, {columns.n}), got {tuple(weights.shape)}")
    if sources is None:
        to, from_ = from_ if to is None else to, to if from_ is None else from_
    rows = _among(units, to).to(weights.device)
    return block(weights, rows, _among(columns, from_).to(weights.device))


@takes_arrays
def fill_units(state: Tensor, units: Units, parts: Mapping[Selection, Tensor]) -> Tensor:
    """A copy of the state (..., N) with the activity of subsets replaced; differentiable.

    parts: selection, or tuple of selections -> activity (..., n), in the order of the network, as from
    `region_activity`. Other units keep their state. The result has the dtype and device of `state`. Raises ValueError
    for an activity of another shape, and for parts that share units.

    >>> import numpy as np
    >>> import torch
    >>> from randomnet.analysis import Units, fill_units
    >>> units = Units(np.array(['a', 'b', 'c']), {'region': np.array(['V1', 'V1', 'M1'])}, np.array([1, -1, 1]))
    >>> fill_units(torch.zeros(3), units, {'M1': torch.tensor([7.0])}).tolist()
    [0.0, 0.0, 7.0]
    """
    _check_last(state, units, "state")
    result, owner, names = state, np.full(units.n, -1), list(parts)
    for number, (selection, activity) in enumerate(parts.items()):
        index = _among(units, selection)
        expected = (*state.shape[:-1], len(index))
        if activity.shape != expected:
            raise ValueError(f"the activity of {selection!r} must have shape {expected}, got {tuple(activity.shape)}")
        owners = owner[index.numpy()]
        if owners.max() >= 0:
            shared = f"{(owners >= 0).sum()} of {selection!r} are in {names[owners.max()]!r} too"
            raise ValueError(f"parts must share no units, but {shared}")
        owner[index.numpy()] = number
        result = result.index_copy(-1, index.to(state.device), activity.to(state))
    return result.clone() if result is state else result


def _among(units: Units, selection: Selection | None) -> Tensor:
    """The units of one selection or of several; all units for None."""
    return select(units, *([selection] if isinstance(selection, str) else selection or ()))


def _check_last(values: Tensor, units: Units, name: str) -> None:
    if values.ndim < 1 or values.shape[-1] != units.n:
        raise ValueError(f"{name} must have shape (..., {units.n}), one value per unit, got {tuple(values.shape)}")
