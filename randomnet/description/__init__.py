"""Facts of a connectome as plain values and as text; computed from the edges, so that a whole brain takes seconds.

    describe            counts, quantiles, components, spectral radius, and the connectome's `facts()`
    weight_facts        quantiles of the weights alone, with their unit
    contents_as_text    what its files hold, what was used of it, and what was left out
    reading_notes       the same in a few lines, for the start of a run
    sinkhorn_notes      how far Sinkhorn's scaling balances it
    as_text             these facts as lines for a user
    draws_as_text       how far the networks of several iterations differ
    errors_of           what is wrong in a connectome in error
    null_of             the null model that a network is
    steps               what was done to the network before the runs
    groups_of           the neurons sorted by group, as matrices are drawn
"""

from randomnet.description.contents import contents_as_text
from randomnet.description.facts import Groups, describe, groups_of, weight_facts
from randomnet.description.reading_notes import reading_notes, sinkhorn_notes
from randomnet.description.text import as_text, draws_as_text, errors_of, null_of, steps

__all__ = [
    "Groups",
    "as_text",
    "contents_as_text",
    "describe",
    "draws_as_text",
    "errors_of",
    "groups_of",
    "null_of",
    "reading_notes",
    "sinkhorn_notes",
    "steps",
    "weight_facts",
]
