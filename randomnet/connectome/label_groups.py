"""Groups of neurons by every kind of label of a connectome, and by the sign of their outgoing weights."""

from typing import NamedTuple

import numpy as np

from randomnet.connectome.record import Connectome

SIGN = "sign"  # the kind of the groups by outgoing weights
UNLABELLED = "unlabelled"
SIGN_NAMES = {1: "excitatory", -1: "inhibitory", 0: "mixed or none"}


class LabelGroup(NamedTuple):
    """The neurons with one label: its kind, such as neurotransmitter, its name, and the members' indices (size,)."""

    kind: str
    name: str
    members: np.ndarray

    @property
    def size(self) -> int:
        """The number of its neurons."""
        return len(self.members)


def label_groups(labels: Connectome, signs: np.ndarray) -> list[LabelGroup]:
    """The groups of neurons by each kind of label, then by sign.

    labels: the connectome with the labels. signs: (N,) 1, -1 or 0, as `Connectome.signs` has them. A kind is left out
    where all neurons have the same label, or each neuron a label of its own. Empty labels are those of UNLABELLED.
    """
    named = {kind: np.asarray(values).astype(str) for kind, values in labels.labels.items()}
    named.setdefault(SIGN, np.array([SIGN_NAMES[int(sign)] for sign in signs]))
    groups = []
    for kind, values in named.items():
        names, index, sizes = np.unique(values, return_inverse=True, return_counts=True)
        if 1 < len(names) < len(values):
            members = np.split(np.argsort(index, kind="stable"), np.cumsum(sizes)[:-1])
            groups += [LabelGroup(kind, str(name) or UNLABELLED, of) for name, of in zip(names, members, strict=True)]
    return groups
