"""Synthetic networks: random, of populations, of regions, and stand-ins for brain regions."""

from randomnet.synthetic.populations import Kernel, Populations, low_rank_vectors, population_network
from randomnet.synthetic.random import random_network, random_source, unconnected
from randomnet.synthetic.regions import read_description, region_network
from randomnet.synthetic.rois import built_in

__all__ = [
    "Kernel",
    "Populations",
    "built_in",
    "low_rank_vectors",
    "population_network",
    "random_network",
    "random_source",
    "read_description",
    "region_network",
    "unconnected",
]
