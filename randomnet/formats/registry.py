"""`FORMATS`: a row for each file format, in the order in which content is recognised."""

from randomnet.connectome import Connectome
from randomnet.formats.bio2art import BIO2ART
from randomnet.formats.bio2art_list import BIO2ART_LIST
from randomnet.formats.edge_list import EDGE_LIST
from randomnet.formats.flystability import FLYSTABILITY
from randomnet.formats.flywire import FLYWIRE
from randomnet.formats.graphs import GRAPH
from randomnet.formats.hemibrain import HEMIBRAIN, NEUPRINT_EXPORT
from randomnet.formats.matrices import MATRIX, SPARSE_MATRIX
from randomnet.formats.neuprint import NEUPRINT
from randomnet.formats.record import Format
from randomnet.registry import Registry

FORMATS: Registry[Format] = Registry({
    "hemibrain": HEMIBRAIN,
    "neuprint_export": NEUPRINT_EXPORT,
    "neuprint": NEUPRINT,
    "flywire": FLYWIRE,
    "edge_list": EDGE_LIST,
    "matrix": MATRIX,
    "sparse": SPARSE_MATRIX,
    "graph": GRAPH,
    "bio2art": BIO2ART,
    "bio2art_list": BIO2ART_LIST,
    "flystability": FLYSTABILITY,
})  # fmt: skip


def has_counts(connectome: Connectome) -> bool:
    """Whether the connectome was read from a format whose weights are synapse counts."""
    row = FORMATS.get(connectome.provenance.get("format", ""))
    return row is not None and row.has_counts
