"""File formats -> Connectome. Files are data: nothing in them is executed, and pickles pass a restricted reader."""

from randomnet.formats.assembly import from_edges
from randomnet.formats.bio2art import read_bio2art, read_densities, read_region_matrix, region_matrices
from randomnet.formats.contents import NOT_USED, Part, parts_of
from randomnet.formats.edges.reading import read_edge_list
from randomnet.formats.files import FormatError, load_npy, load_pickle
from randomnet.formats.flystability import FIBERS, TRANSMITTERS, read_flystability, read_roi_folder, roi_folders
from randomnet.formats.flywire import read_flywire
from randomnet.formats.hemibrain import read_hemibrain
from randomnet.formats.matrices.reading import read_matrix
from randomnet.formats.options import SYNAPSE_TYPES, Options
from randomnet.formats.recognition import Recognition, read_connectome, recognise
from randomnet.formats.record import Format
from randomnet.formats.registry import FORMATS, has_counts, is_final
from randomnet.formats.sign_policies import SIGN_POLICIES, SignPolicy
from randomnet.formats.signs import SIGN_TABLE, with_signs
from randomnet.formats.spellings import EDGE_ROLES, NODE_ROLES

__all__ = [
    "EDGE_ROLES",
    "FIBERS",
    "FORMATS",
    "NODE_ROLES",
    "NOT_USED",
    "SIGN_POLICIES",
    "SIGN_TABLE",
    "SYNAPSE_TYPES",
    "TRANSMITTERS",
    "Format",
    "FormatError",
    "Options",
    "Part",
    "Recognition",
    "SignPolicy",
    "from_edges",
    "has_counts",
    "is_final",
    "load_npy",
    "load_pickle",
    "parts_of",
    "read_bio2art",
    "read_connectome",
    "read_densities",
    "read_edge_list",
    "read_flystability",
    "read_flywire",
    "read_hemibrain",
    "read_matrix",
    "read_region_matrix",
    "read_roi_folder",
    "recognise",
    "region_matrices",
    "roi_folders",
    "with_signs",
]
