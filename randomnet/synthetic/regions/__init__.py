"""Networks described by regions and the connections between them, as JSON or a dict (both generations of mRNNTorch)."""

from randomnet.synthetic.regions.description import Connection, Description, Input, Region, from_dict, read_description
from randomnet.synthetic.regions.drawing import (
    INITIALISATIONS,
    INPUT_INITIALISATIONS,
    input_matrix,
    region_network,
)

__all__ = [
    "INITIALISATIONS",
    "INPUT_INITIALISATIONS",
    "Connection",
    "Description",
    "Input",
    "Region",
    "from_dict",
    "input_matrix",
    "read_description",
    "region_network",
]
