"""Networks made, not measured."""

from randomnet.synthetic.populations import Kernel, Populations, population_network
from randomnet.synthetic.random import random_network
from randomnet.synthetic.regions import read_description, region_network
from randomnet.synthetic.rois import built_in

__all__ = [
    "Kernel",
    "Populations",
    "built_in",
    "population_network",
    "random_network",
    "read_description",
    "region_network",
]
