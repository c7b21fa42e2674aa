"""Analysis of any step of a network: linearisation, fixed and slow points, flow fields; pure functions, all of it.

| module         | what it answers                                                                        |
|----------------|----------------------------------------------------------------------------------------|
| `linear`       | Jacobians of a map, whole or between subsets of units, their eigenvalues and -vectors  |
| `fixed_points` | where a map leaves the state, or nearly, and how many directions lead away from there  |
| `flow`         | where the states of a plane go in one step                                             |

A `Map` takes states (B, N) to the states (B, N) one step later, a `Jacobian` takes them to (B, N, N), d next_i /
d state_j. Constant inputs are part of the map. `Dynamics.step` is a Map, and `jacobian_of` makes its Jacobian.
"""

from randomnet.analysis.fixed_points import FixedPoints, fixed_points, starting_points
from randomnet.analysis.flow import FlowField, Plane, flow_field, plane
from randomnet.analysis.linear import (
    Eigendecomposition,
    Jacobian,
    Map,
    block,
    differentiated,
    eigendecomposition,
    excluded,
    jacobian_of,
)

__all__ = [
    "Eigendecomposition",
    "FixedPoints",
    "FlowField",
    "Jacobian",
    "Map",
    "Plane",
    "block",
    "differentiated",
    "eigendecomposition",
    "excluded",
    "fixed_points",
    "flow_field",
    "jacobian_of",
    "plane",
    "starting_points",
]
