"""`FORMATS`: a row for each file format, in the order in which content is recognised."""

from randomnet.connectome import Connectome
from randomnet.formats.bio2art import BIO2ART
from randomnet.formats.bio2art_list import BIO2ART_LIST
from randomnet.formats.edges.reading import EDGE_LIST
from randomnet.formats.flat_connectomes import BANC, MALECNS, MANC
from randomnet.formats.flystability import FLYSTABILITY
from randomnet.formats.flywire import FLYWIRE
from randomnet.formats.graphs.reading import GRAPH
from randomnet.formats.hemibrain import HEMIBRAIN, NEUPRINT_EXPORT
from randomnet.formats.matrices.reading import MATRIX, SPARSE_MATRIX
from randomnet.formats.neuprint import NEUPRINT
from randomnet.formats.record import Format
from randomnet.formats.saved import SAVED, SAVED_NETWORK
from randomnet.registry import Registry

FORMATS: Registry[Format] = Registry({
    "hemibrain": HEMIBRAIN,
    "neuprint_export": NEUPRINT_EXPORT,
    SAVED: SAVED_NETWORK,
    "neuprint": NEUPRINT,
    "flywire": FLYWIRE,
    "malecns": MALECNS,
    "banc": BANC,
    "manc": MANC,
    "graph": GRAPH,
    "edge_list": EDGE_LIST,
    "matrix": MATRIX,
    "sparse": SPARSE_MATRIX,
    "bio2art": BIO2ART,
    "bio2art_list": BIO2ART_LIST,
    "flystability": FLYSTABILITY,
})  # fmt: skip


def is_final(connectome: Connectome) -> bool:
    """Whether the connectome was read from a saved network, whose weights are final."""
    return connectome.provenance.get("format") == SAVED


def has_counts(connectome: Connectome) -> bool:
    """Whether the connectome was read from a format whose weights are synapse counts."""
    row = FORMATS.get(connectome.provenance.get("format", ""))
    return row is not None and row.has_counts
