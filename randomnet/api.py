"""RandomNet from Python: the spectrum of anything that has a step.

>>> import torch
>>> from randomnet import spectrum

A matrix, whose exponents are the logarithms of its eigenvalues' magnitudes:

>>> found = spectrum(torch.tensor([[0.5, 0.1], [0.0, 0.2]], dtype=torch.float64), tsim=2000)
>>> found.exponents.round(3)
array([-0.693, -1.609])

A step of your own, here the Henon map; the tangent is differentiated for you:

>>> def henon(state):
...     x, y = state
...     return torch.stack([1 - 1.4 * x**2 + y, 0.3 * x])
>>> found = spectrum(henon, state=[0.1, 0.1], tsim=2000)
>>> print(f"{found.exponents.sum():.6f}")  # ln 0.3
-1.203973
>>> bool(0.38 < found.exponents[0] < 0.46 and found.stderr[0] < 0.02)
True

A torch module of your own, here an Elman network left to itself:

>>> _ = torch.manual_seed(0)
>>> class Elman(torch.nn.Module):
...     def __init__(self):
...         super().__init__()
...         self.recurrent = torch.nn.Linear(20, 20, dtype=torch.float64)
...     def forward(self, state):
...         return torch.tanh(self.recurrent(state))
>>> found = spectrum(Elman(), state=torch.zeros(20), k=3, tsim=500)
>>> len(found.exponents), bool(found.exponents[0] < 0), found.converged
(3, True, True)

And a flow, by Runge-Kutta steps:

>>> from randomnet.systems import of_flow
>>> found = spectrum(of_flow(lambda h: -h, dt=0.1), state=[1.0, 2.0], tsim=50, transient=1, frame_transient=1)
>>> found.exponents.round(5)
array([-1., -1.])
"""

import copy
from collections.abc import Callable, Sequence
from numbers import Integral

import numpy as np
import torch
from torch import Tensor

from randomnet.lyapunov import Schedule, Spectrum, System, random_frame
from randomnet.lyapunov import spectrum as spectrum_of_system
from randomnet.systems import of_matrix, of_step


def spectrum(
    what: System | Tensor | np.ndarray | list | Callable[[Tensor], Tensor],
    state: Tensor | np.ndarray | Sequence[float] | None = None,
    *,
    k: int | None = None,
    dt: float = 1.0,
    tsim: float | str = 1000.0,
    tons: float | str | None = None,
    transient: float = 10.0,
    frame_transient: float = 10.0,
    tolerance: float = 0.01,
    tsim_max: float = 10_000.0,
    seed: int = 0,
) -> Spectrum:
    """The k leading Lyapunov exponents (all by default) of `what`, in float64, with error bars and a verdict.

    what: a system (see `randomnet.systems`; also a network's `dynamics()`, detached), a matrix (N, N) of the map
    h <- M h, or a step (N,) -> (N,), such as a torch.nn.Module, that takes the time dt. state: where it starts, (N,);
    may be left out for a matrix. Times in units of dt's time, exponents per that unit; tons: time between QRs, by
    default one step, but at most a tenth of a unit of time where steps are shorter. seed: of the random initial frame.
    Modules are copied to float64. Raises ValueError with both shapes where they do not fit, or for another precision.
    """
    system = _system(what, dt)
    if state is None:
        if not isinstance(what, (Tensor, np.ndarray, list)):
            raise ValueError("expected a state (N,) to start from, got none")
        state = torch.zeros(len(what))
    exact = state if isinstance(state, Tensor) else np.asarray(state)  # torch reads numbers in float32
    started = torch.as_tensor(exact).detach().to(torch.float64)
    if started.ndim != 1:
        raise ValueError(f"expected a state (N,), got shape {tuple(started.shape)}")
    _try(system, started)
    wanted = len(started) if k is None else k
    if not isinstance(wanted, Integral):
        raise ValueError(f"k must be a whole number, got {k!r}")
    frame = random_frame(np.random.default_rng(seed), int(wanted), len(started))
    interval = max(system.dt, 0.1) if tons is None else tons
    schedule = Schedule(tsim, interval, transient, frame_transient, tolerance, tsim_max)
    return spectrum_of_system(system, started, torch.from_numpy(frame).to(started.device), schedule)


def _system(what: System | Tensor | np.ndarray | list | Callable[[Tensor], Tensor], dt: float) -> System:
    if isinstance(what, (Tensor, np.ndarray, list)):
        matrix = torch.as_tensor(np.asarray(what) if isinstance(what, list) else what)
        if matrix.is_complex():
            raise ValueError(f"expected a real matrix (N, N), got {matrix.dtype}")
        return of_matrix(matrix.detach().to(torch.float64), dt)
    if hasattr(what, "advance"):
        return what
    if isinstance(what, torch.nn.Module):
        return of_step(copy.deepcopy(what).double(), dt)
    if callable(what):
        return of_step(what, dt)
    raise ValueError(f"expected a system, a matrix or a step, got {type(what).__name__}")


def _try(system: System, state: Tensor) -> None:
    """ValueError where the system cannot take a step from the state (N,)."""
    try:
        with torch.no_grad():
            after = system.advance(torch.stack([state, torch.ones_like(state)]), 1, 0)
    except ValueError:
        raise
    except Exception as error:  # what a user's function may raise
        raise ValueError(
            f"expected a step of a float64 state of shape {tuple(state.shape)} to one like it, in torch operations "
            f"that can be differentiated, got {type(error).__name__}: {error}"
        ) from error
    if after.dtype != torch.float64:
        raise ValueError(f"expected a step in float64, got {after.dtype}")
