"""Analysis of any step of a network, of its units and of its activity; pure functions, all of it.

| module         | what it answers                                                                        |
|----------------|----------------------------------------------------------------------------------------|
| `linear`       | Jacobians of a map, whole or between subsets of units, their eigenvalues and -vectors  |
| `grouped`      | eigenvalues of the blocks of groups of units                                           |
| `fixed_points` | where a map leaves the state, or nearly, and how many directions lead away from there  |
| `following`    | how these points move, appear and vanish along a row of maps                           |
| `kinks`        | which units are at a kink of their activation, and what one-sided Jacobians agree on   |
| `flow`         | where the states of a plane go in one step                                             |
| `units`        | which units: by region, parent, population, cell type or any label; subsets and back   |
| `stimulation`  | currents given to some units for some steps, with ramps                                |
| `psth`         | the mean activity of groups of units over trials, by condition, with its sem           |

A `Map` takes states (B, N) to the states (B, N) one step later, a `Jacobian` takes them to (B, N, N), d next_i /
d state_j. Constant inputs are part of the map. `Dynamics.step` is a Map, and `jacobian_of` makes its Jacobian.
"""

from randomnet.analysis.block_eigenvalues import group_eigenvalues, sorted_eigenvalues
from randomnet.analysis.continuation import continue_fixed_points, interpolate
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
from randomnet.analysis.psth import Response, psth, psth_arrays
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
    "Map",
    "Plane",
    "Response",
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
    "interpolate",
    "jacobian_of",
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
    "units_of",
    "weight_subset",
]
