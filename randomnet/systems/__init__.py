"""Systems that have a spectrum besides RandomNet's own networks: any step, any flow, matrices, textbook examples.

Each has a time step `dt` and `advance(bundle, steps, start)`, the protocol `lyapunov.System`: a bundle (1 + k, N) of
the state (row 0) and tangent vectors moves on by exact steps and their exact derivative.

| made by          | what it is                                                                           |
|------------------|--------------------------------------------------------------------------------------|
| `FromSteps`      | a step and its tangent, both written by hand                                         |
| `of_step`        | a step(state) or step(state, t); the tangent by forward differentiation              |
| `of_flow`        | a vector field of state, or state and t, by Runge-Kutta steps                        |
| `of_recurrent`   | torch.nn.RNN, GRU, LSTM and their cells, under a constant or a time-varying input    |
| `of_matrix`      | the linear map h <- M h                                                              |
| `products`       | a sequence of matrices                                                               |
| `henon`, `lorenz`, `cat_map` | textbook systems with published exponents                                |

`Repeatability` and `check_tangent` refuse steps that keep a memory, and tangents that are no derivatives.
"""

from randomnet.systems.checks import Repeatability, check_tangent
from randomnet.systems.recurrent import is_recurrent, of_recurrent
from randomnet.systems.steps import FromSteps, OfStep, of_flow, of_matrix, of_step, products
from randomnet.systems.textbook import cat_map, henon, lorenz

__all__ = [
    "FromSteps",
    "OfStep",
    "Repeatability",
    "cat_map",
    "check_tangent",
    "henon",
    "is_recurrent",
    "lorenz",
    "of_flow",
    "of_matrix",
    "of_recurrent",
    "of_step",
    "products",
]
