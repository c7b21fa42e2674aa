"""Analysis of dynamics, units and activity of a network, in pure functions.

| module              | contents                                                                               |
|---------------------|----------------------------------------------------------------------------------------|
| `linear`            | Jacobians of a map, whole or between subsets of units, and their eigendecomposition    |
| `driven`            | Jacobians by state and by input, and first-order predictions, under any input          |
| `block_eigenvalues` | eigenvalues of the Jacobian blocks of groups of units                                  |
| `fixed_points`      | fixed points and slow points of a map, and their unstable directions                   |
| `continuation`      | fixed points along a sequence of maps: how they move, appear and vanish                |
| `kinks`             | units at a kink of their activation, and results shared by all one-sided Jacobians     |
| `flow`              | flow fields: the change of the states of a plane in one step                           |
| `units`             | selection of units by region, parent, population, cell type or any label               |
| `stimulation`       | currents into selected units during selected steps, with ramps                         |
| `psth`              | mean activity of groups of units over trials, by condition, with its sem               |

A `Map` takes states (B, N) to the states (B, N) after one step. A `Jacobian` takes states to (B, N, N), d next_i /
d state_j. Constant inputs are part of the map. `Dynamics.step` is a Map, and `jacobian_of` gives its Jacobian.
"""

from randomnet.analysis.block_eigenvalues import group_eigenvalues, sorted_eigenvalues
from randomnet.analysis.continuation import continue_fixed_points, interpolate
from randomnet.analysis.driven import Linearisation, input_jacobian_of, linearise, maps_under_input, under_input
from randomnet.analysis.fixed_points import FixedPoints, fixed_points, starting_points
from randomnet.analysis.flow import FlowField, Plane, flow_field, plane
from randomnet.analysis.kinks import UNDECIDED, Kinks, find_kinks
from randomnet.analysis.linear import (
    Eigendecomposition,
    Jacobian,
    Map,
    autodiff_jacobian,
    block,
    block_except,
    eigendecomposition,
    jacobian_of,
    time_constants,
)
from randomnet.analysis.psth import Response, Responses, psth, psth_arrays
from randomnet.analysis.stimulation import pulse, stimulation
from randomnet.analysis.units import (
    Selection,
    Units,
    fill_units,
    region_activity,
    select,
    select_from_text,
    units_of,
    weight_subset,
)

__all__ = [
    "UNDECIDED",
    "Eigendecomposition",
    "FixedPoints",
    "FlowField",
    "Jacobian",
    "Kinks",
    "Linearisation",
    "Map",
    "Plane",
    "Response",
    "Responses",
    "Selection",
    "Units",
    "autodiff_jacobian",
    "block",
    "block_except",
    "continue_fixed_points",
    "eigendecomposition",
    "fill_units",
    "find_kinks",
    "fixed_points",
    "flow_field",
    "group_eigenvalues",
    "input_jacobian_of",
    "interpolate",
    "jacobian_of",
    "linearise",
    "maps_under_input",
    "plane",
    "psth",
    "psth_arrays",
    "pulse",
    "region_activity",
    "select",
    "select_from_text",
    "sorted_eigenvalues",
    "starting_points",
    "stimulation",
    "time_constants",
    "under_input",
    "units_of",
    "weight_subset",
]
