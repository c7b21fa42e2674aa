"""Dynamical systems with a Lyapunov spectrum, other than RandomNet's networks.

Each system has a time step `dt` and `advance(bundle, steps, start)`, the protocol `lyapunov.System`. A bundle
(1 + k, N) has the state in row 0 and tangent vectors in the other rows. All rows advance by exact steps and their exact
derivative.

| function         | system                                                                               |
|------------------|--------------------------------------------------------------------------------------|
| `FromSteps`      | a step and its tangent, both given                                                   |
| `of_step`        | a step(state) or step(state, t), with the tangent by forward-mode differentiation    |
| `of_flow`        | a vector field of the state, or of state and t, with Runge-Kutta steps               |
| `of_recurrent`   | torch.nn.RNN, GRU, LSTM and their cells, with a constant or a time-varying input     |
| `of_matrix`      | the linear map h <- M h                                                              |
| `products`       | products of a sequence of matrices                                                   |
| `henon`, `lorenz`, `cat_map` | textbook systems with published exponents                                |

A step may be of one state (N,) or of several (B, N): `for_states` makes the second of either.

`Repeatability` rejects steps with an internal memory, and `check_tangent` rejects tangents that are not the derivative.
"""

from randomnet.systems.checks import Repeatability, check_tangent
from randomnet.systems.recurrent import is_recurrent, of_recurrent, recurrent_part, state_size
from randomnet.systems.shapes import for_states, takes_one_state, takes_states
from randomnet.systems.steps import FromSteps, OfStep, of_flow, of_matrix, of_step, products
from randomnet.systems.textbook import cat_map, henon, lorenz

__all__ = [
    "FromSteps",
    "OfStep",
    "Repeatability",
    "cat_map",
    "check_tangent",
    "for_states",
    "henon",
    "is_recurrent",
    "lorenz",
    "of_flow",
    "of_matrix",
    "of_recurrent",
    "of_step",
    "products",
    "recurrent_part",
    "state_size",
    "takes_one_state",
    "takes_states",
]
