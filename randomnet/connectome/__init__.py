"""The `Connectome` record and what depends on it alone: scalings, connected components, eigenvalues, saving.

The package is also a function: `randomnet.connectome("my.npy", g=3)` reads a connectome, see
`randomnet.notebook.connectome`.
"""

from randomnet.callable_package import make_callable
from randomnet.connectome.components import largest_component, strong_components, weak_components
from randomnet.connectome.eigenvalues import Eigenvalues, eigenvalues, eigenvalues_of, spectral_radius
from randomnet.connectome.record import Connectome, from_dense, subset
from randomnet.connectome.saving import save
from randomnet.connectome.scalings import (
    ONE_SIGN,
    SCALINGS,
    Scaling,
    balanced,
    in_degree,
    input_fraction,
    log1p,
    scaled,
    sinkhorn,
    with_abscissa,
    with_frobenius_norm,
    with_spectral_radius,
)
from randomnet.connectome.strength import COUPLING, coupling_strength

__all__ = [
    "COUPLING",
    "ONE_SIGN",
    "SCALINGS",
    "Connectome",
    "Eigenvalues",
    "Scaling",
    "balanced",
    "coupling_strength",
    "eigenvalues",
    "eigenvalues_of",
    "from_dense",
    "in_degree",
    "input_fraction",
    "largest_component",
    "log1p",
    "save",
    "scaled",
    "sinkhorn",
    "spectral_radius",
    "strong_components",
    "subset",
    "weak_components",
    "with_abscissa",
    "with_frobenius_norm",
    "with_spectral_radius",
]

make_callable(__name__, "randomnet.notebook:connectome")
