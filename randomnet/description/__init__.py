"""What a connectome is, as plain values and as text; sparse throughout, so that a whole brain takes seconds.

    describe            counts, quantiles, components, spectral radius, and all of the connectome's own facts
    weight_facts        quantiles of the weights alone, with their unit
    as_text             these as lines for a user
    steps               what was done to it before the runs
    groups_of           the neurons in the order of their groups, as a matrix is drawn
    eigenvalues         all eigenvalues, or the leading ones where a component is too large for the dense solver
    strong_components   which neurons reach each other
    weak_components     which neurons are connected at all
"""

from randomnet.description.components import strong_components, weak_components
from randomnet.description.eigenvalues import Eigenvalues, eigenvalues
from randomnet.description.facts import Groups, describe, eigenvalues_of, groups_of, weight_facts
from randomnet.description.text import as_text, steps

__all__ = [
    "Eigenvalues",
    "Groups",
    "as_text",
    "describe",
    "eigenvalues",
    "eigenvalues_of",
    "groups_of",
    "steps",
    "strong_components",
    "weak_components",
    "weight_facts",
]
