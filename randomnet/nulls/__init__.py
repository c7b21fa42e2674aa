"""Null models: random networks that keep some properties of a connectome. `models` has the registry of them."""

from randomnet.nulls.effect import changing, differs, is_unable, share_of_edges
from randomnet.nulls.models import LARGEST_DENSE, NULLS, Null, is_symmetric, random_w

__all__ = [
    "LARGEST_DENSE",
    "NULLS",
    "Null",
    "changing",
    "differs",
    "is_symmetric",
    "is_unable",
    "random_w",
    "share_of_edges",
]
