"""Networks made, not measured."""

from randomnet.synthetic.random import random_network
from randomnet.synthetic.rois import built_in

__all__ = ["built_in", "random_network"]
