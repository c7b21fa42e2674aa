"""Recorded neurons matched by name to the neurons of a connectome, in any order."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from randomnet.connectome import Connectome
from randomnet.display import Brief
from randomnet.recordings.named.record import SHOWN, NeuralActivity

ZEROS = re.compile(r"(?<!\d)0+(?=\d)")  # DA01 is DA1


@dataclass(frozen=True, eq=False, repr=False)
class Match(Brief):
    """Which neuron of the connectome each recorded one is.

    recorded: (K,) indices of the recording's neurons that the connectome has, ascending. neurons: (K,) their indices in
    the connectome. unmatched: names of the other recorded ones. notes: what was matched, and what was not.
    """

    recorded: np.ndarray
    neurons: np.ndarray
    unmatched: tuple[str, ...]
    notes: tuple[str, ...]


def match_neurons(activity: NeuralActivity, connectome: Connectome) -> Match:
    """The recorded neurons of a connectome, by its names, or by the kind of label that identifies the most of them.

    A label identifies a neuron that alone has it. Names are equal up to case and leading zeros, where no exact name is.
    N recorded neurons without any name are taken in the order of the connectome. Raises ValueError where none matches,
    or where two recorded neurons are the same one.

    >>> import numpy as np
    >>> from randomnet.connectome import from_dense
    >>> from randomnet.recordings import NeuralActivity, match_neurons
    >>> worm = from_dense("worm", np.eye(3)[[1, 2, 0]], np.array(["AVAL", "AVAR", "DA1"]))
    >>> match = match_neurons(NeuralActivity(np.ones((1, 2, 2)), np.array(["DA01", "glia"]), .1), worm)
    >>> match.neurons.tolist(), match.unmatched
    ([2], ('glia',))
    """
    names = [str(name).strip() for name in activity.names]
    columns = {"name": connectome.names, **connectome.labels}
    pairs_by_kind = {kind: _matched(names, column) for kind, column in columns.items()}
    kind = max(pairs_by_kind, key=lambda each: len(pairs_by_kind[each]))
    pairs = pairs_by_kind[kind]
    if not any(names) and len(names) == connectome.n:
        index = np.arange(connectome.n)
        return Match(index, index, (), ("neurons without names are taken in the order of the connectome",))
    if not pairs:
        raise ValueError(f"expected names of neurons of {connectome.name}, such as {_listed(connectome.names)}, got "
                         f"{_listed(names)}")  # fmt: skip
    repeated = [neuron for neuron, count in Counter(pairs.values()).items() if count > 1]
    if repeated:
        same = [names[recorded] for recorded, neuron in pairs.items() if neuron == repeated[0]]
        raise ValueError(f"expected every neuron once, got {' and '.join(map(repr, same))}, which are one neuron of "
                         f"{connectome.name}")  # fmt: skip
    recorded = np.array(sorted(pairs), np.int64)
    unmatched = tuple(name for index, name in enumerate(names) if index not in pairs)
    by = "name" if kind == "name" else f"the label {kind}"
    notes = [f"{len(pairs)} of {len(names)} recorded neurons are matched by {by} to {connectome.n} neurons"]
    notes += [f"not in {connectome.name} and not used: {len(unmatched)} of {len(names)} recorded neurons, "
              f"{_listed(unmatched)}"] * bool(unmatched)  # fmt: skip
    return Match(recorded, np.array([pairs[index] for index in recorded]), unmatched, tuple(notes))


def _matched(names: Sequence[str], column: np.ndarray) -> dict[int, int]:
    """Recorded index -> neuron, for names of which the column has exactly one: exactly, or in plain form."""
    exact, plain = _unique(column, str), _unique(column, _plain)
    both = {index: exact.get(name, plain.get(_plain(name))) for index, name in enumerate(names) if name}
    return {index: neuron for index, neuron in both.items() if neuron is not None}


def _unique(column: np.ndarray, form: Callable[[str], str]) -> dict[str, int]:
    texts = [form(str(text).strip()) for text in column]
    counts = Counter(texts)
    return {text: neuron for neuron, text in enumerate(texts) if counts[text] == 1 and text}


def _plain(name: str) -> str:
    return ZEROS.sub("", name.casefold())


def _listed(names: Sequence[str] | np.ndarray) -> str:
    return ", ".join(repr(str(name)[:40]) for name in names[:SHOWN]) + ", ..." * (len(names) > SHOWN)
