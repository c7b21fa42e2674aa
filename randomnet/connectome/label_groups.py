"""Groups of neurons by every kind of label of a connectome, and by the sign of their outgoing weights."""

from typing import NamedTuple

import numpy as np

from randomnet.connectome.record import Connectome

SIGN = "sign"  # the kind of the groups by outgoing weights
SIGN_NAMES = {1: "excitatory", -1: "inhibitory", 0: "mixed or none"}


class LabelGroup(NamedTuple):
    """The neurons with one label: its kind, such as neurotransmitter, its name, and members (N,) bool."""

    kind: str
    name: str
    members: np.ndarray

    @property
    def size(self) -> int:
        """The number of its neurons."""
        return int(self.members.sum())


def label_groups(labels: Connectome, signs: np.ndarray) -> list[LabelGroup]:
    """The groups of neurons by each kind of label, then by sign.

    labels: the connectome with the labels. signs: (N,) 1, -1 or 0, as `Connectome.signs` has them. A kind is left out
    where all neurons have the same label, or each neuron a label of its own.
    """
    named = {kind: np.asarray(values).astype(str) for kind, values in labels.labels.items()}
    named.setdefault(SIGN, np.array([SIGN_NAMES[int(sign)] for sign in signs]))
    groups = []
    for kind, values in named.items():
        names = np.unique(values)
        if 1 < len(names) < len(values):
            groups += [LabelGroup(kind, str(name), values == name) for name in names]
    return groups
