"""Null models: random networks that keep some properties of a connectome. Their table stands in `models`."""

from randomnet.nulls.effect import changing, differs, is_unable, share_of_edges
from randomnet.nulls.models import LARGEST_DENSE, NULLS, Null, is_symmetric, shuffled

__all__ = [
    "LARGEST_DENSE",
    "NULLS",
    "Null",
    "changing",
    "differs",
    "is_symmetric",
    "is_unable",
    "share_of_edges",
    "shuffled",
]
