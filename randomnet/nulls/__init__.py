"""Null models: random networks that keep some properties of a connectome. `models` has the registry of them.

`errors` has connectomes in error: edges lost and added, wrong weights and signs.
"""

from randomnet.nulls.effect import changing, differs, is_unable, share_of_edges
from randomnet.nulls.errors import EXTENTS, Errors, with_errors
from randomnet.nulls.models import LARGEST_DENSE, NULLS, Null, is_symmetric, random_w

__all__ = [
    "EXTENTS",
    "LARGEST_DENSE",
    "NULLS",
    "Errors",
    "Null",
    "changing",
    "differs",
    "is_symmetric",
    "is_unable",
    "random_w",
    "share_of_edges",
    "with_errors",
]
