"""What a connectome is, as plain values and as text; sparse throughout, so that a whole brain takes seconds.

    describe            counts, quantiles, components, spectral radius, and all of the connectome's own facts
    weight_facts        quantiles of the weights alone, with their unit
    as_text             these as lines for a user
    draws_as_text       how far the networks of several iterations differ
    steps               what was done to it before the runs
    groups_of           the neurons in the order of their groups, as a matrix is drawn
"""

from randomnet.description.facts import Groups, describe, groups_of, weight_facts
from randomnet.description.text import as_text, draws_as_text, steps

__all__ = [
    "Groups",
    "as_text",
    "describe",
    "draws_as_text",
    "groups_of",
    "steps",
    "weight_facts",
]
