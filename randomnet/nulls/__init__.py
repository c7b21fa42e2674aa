"""Null models: random networks that keep some properties of a connectome. Their table stands in `models`."""

from randomnet.nulls.models import LARGEST_DENSE, NULLS, Null, shuffled

__all__ = ["LARGEST_DENSE", "NULLS", "Null", "shuffled"]
