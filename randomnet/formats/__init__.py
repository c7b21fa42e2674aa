"""File formats -> Connectome. What a file holds is data: pickles pass a restricted reader, nothing is executed."""

from randomnet.formats.reading import FormatError, load_npy, load_pickle
from randomnet.formats.regions import read_densities, read_region_matrix, region_matrices
from randomnet.formats.roi import FIBERS, TRANSMITTERS, read_roi_folder, roi_folders

__all__ = [
    "FIBERS",
    "TRANSMITTERS",
    "FormatError",
    "load_npy",
    "load_pickle",
    "read_densities",
    "read_region_matrix",
    "read_roi_folder",
    "region_matrices",
    "roi_folders",
]
