"""RandomNet from Python: the spectrum of anything that has a step.

>>> import math
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
>>> found = spectrum(henon, state=[0.1, 0.1], tsim=1000)
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

A flow, by Runge-Kutta steps; a second argument named t is the time, here of an oscillator that is driven:

>>> from randomnet.systems import of_flow
>>> found = spectrum(of_flow(lambda h: -h, dt=0.1), state=[1.0, 2.0], tsim=50, transient=1, frame_transient=1)
>>> found.exponents.round(5)
array([-1., -1.])
>>> def oscillator(state, t):
...     x, v = state
...     return torch.stack([v, math.cos(t) - 4 * x - 0.4 * v])
>>> found = spectrum(of_flow(oscillator, dt=0.1), state=[0.0, 0.0], tsim=10)
>>> print(f"{found.exponents.sum():.3f}")  # minus the damping, whatever drives it
-0.400

torch's own recurrent modules, under the input 0, a constant one, or one in each step; there the exponents are
conditional ones, of two copies that receive the same input. The state of an LSTM is all of h, then all of c:

>>> cell = torch.nn.RNNCell(3, 20)
>>> found = spectrum(cell, state=torch.zeros(20), inputs=torch.ones(3), k=3, tsim=200)
>>> len(found.exponents), bool(found.exponents[0] < 0)
(3, True)
>>> lstm = torch.nn.LSTM(3, 10, num_layers=2)
>>> found = spectrum(lstm, state=torch.zeros(2 * 2 * 10), inputs=torch.randn(50, 3), tsim=30)
>>> len(found.exponents)
40

A network of regions, likewise; it knows the state where it starts:

>>> from randomnet.multiregion import MultiRegionRNN
>>> net = MultiRegionRNN({
...     "recurrent_regions": [{"name": "cortex", "num_units": 20}],
...     "recurrent_connections": [{"src_region": "cortex", "dst_region": "cortex"}],
...     "input_regions": [{"name": "cue", "num_units": 2}],
...     "input_connections": [{"src_region": "cue", "dst_region": "cortex"}],
... }, activation="tanh", spectral_radius=0.5)
>>> found = spectrum(net, inputs=torch.tensor([1.0, 0.0]), k=2, tsim=50)
>>> len(found.exponents), bool(found.exponents[0] < 0)
(2, True)

A step must be a function of its arguments, and autograd must see all of it:

>>> spectrum(lambda h: torch.tanh(1.5 * h.detach()) + 0.1 * h, state=[0.3])  # doctest: +ELLIPSIS
Traceback (most recent call last):
ValueError: expected a step whose derivative is that of finite differences, got |J v| = ...
"""

import copy
import dataclasses
from collections.abc import Callable, Sequence
from numbers import Integral

import numpy as np
import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from randomnet.lyapunov import Schedule, Spectrum, System, random_frame
from randomnet.lyapunov import spectrum as spectrum_of_system
from randomnet.rnn import Dynamics, SeriesDrivenSystem, TrialDrivenSystem
from randomnet.systems import (
    FromSteps,
    OfStep,
    Repeatability,
    check_tangent,
    is_recurrent,
    of_matrix,
    of_recurrent,
    of_step,
)

START_DEVIATION = 1e-3
COARSE_ROUNDING = 1e-5  # of ln |R_ii| where numbers are float32, of 7 digits
Source = System | Tensor | np.ndarray | list | torch.nn.Module | Callable[..., Tensor]


def spectrum(
    what: Source,
    state: Tensor | np.ndarray | Sequence[float] | None = None,
    *,
    inputs: Tensor | np.ndarray | Sequence[float] | None = None,
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

    what, one of
    - a matrix (N, N), of the map h <- M h;
    - a step (N,) -> (N,), which takes the time dt: a function of the state, or of state and time, step(state, t), or a
      torch.nn.Module whose forward is such a function; t is 0 at the first state. It may work in place;
    - torch.nn.RNN, GRU, LSTM, RNNCell, GRUCell or LSTMCell, whose state is (layers * hidden_size,), of an LSTM all of h
      and then all of c, (2 * layers * hidden_size,);
    - a MultiRegionRNN or a Network, without noise, in its own dt;
    - a system: see `randomnet.systems`, or a network's `dynamics()`.

    state: where it starts, (N,); may be left out for a matrix and a MultiRegionRNN, which then starts at its initial
    state, or 1e-3 beside it where that is a fixed point. inputs: of torch's recurrent modules and of networks, (I,) for
    a constant input, (time, I) for one in each step, from the first step of the transient on, as many as the transients
    and the record have; None for the input 0. Times in units of dt's time, exponents per that unit; tons: time between
    QRs, by default one step, but at most a tenth of a unit of time where steps are shorter. seed: of the random initial
    frame. Modules and systems of networks are copied to float64; exponents of a float32 matrix or module are 0 within
    its rounding.

    Raises ValueError, with both shapes, where they do not fit; for another precision; for a step that needs other
    arguments, answers the same state differently when asked again, or has a tangent that finite differences contradict.
    """
    system = _system(what, dt, inputs)
    started = _state(what, state)
    repeatable = _tried(system, started)
    if state is None and not isinstance(what, (Tensor, np.ndarray, list)):
        started = _off_fixed_point(system, started)
    wanted = len(started) if k is None else k
    if not isinstance(wanted, Integral):
        raise ValueError(f"k must be a whole number, got {k!r}")
    frame = random_frame(np.random.default_rng(seed), int(wanted), len(started))
    interval = max(system.dt, 0.1) if tons is None else tons
    schedule = Schedule(tsim, interval, transient, frame_transient, tolerance, tsim_max)
    _check_length(system, schedule)
    found = spectrum_of_system(system, started, torch.from_numpy(frame).to(started.device), schedule)
    repeatable.check()
    return dataclasses.replace(found, rounding=COARSE_ROUNDING) if _is_coarse(what) else found


def _is_coarse(what: Source) -> bool:
    """Whether the numbers of a matrix or a module are float32 or coarser, and so are rounded."""
    if isinstance(what, torch.nn.Module):
        tensors = [*what.parameters(), *what.buffers()]
        return any(each.is_floating_point() and each.dtype != torch.float64 for each in tensors)
    if isinstance(what, np.ndarray):
        return what.dtype in (np.float32, np.float16)
    return isinstance(what, Tensor) and what.is_floating_point() and what.dtype != torch.float64


def _state(what: Source, state: Tensor | np.ndarray | Sequence[float] | None) -> Tensor:
    """Where it starts, (N,) in float64; by default 0 of a matrix, and what a network says itself."""
    if state is None and isinstance(what, (Tensor, np.ndarray, list)):
        state = torch.zeros(len(what))
    elif state is None and isinstance(getattr(what, "initial", None), Tensor):
        state = what.initial
    elif state is None:
        raise ValueError("expected a state (N,) to start from, got none")
    started = _tensor(state).detach().to(torch.float64)
    if started.ndim != 1:
        raise ValueError(f"expected a state (N,), got shape {tuple(started.shape)}")
    return started


def _off_fixed_point(system: System, state: Tensor) -> Tensor:
    """A network's own initial state (N,); where it is a fixed point, such as zeros, with deviations of 1e-3.

    A trajectory never leaves an unstable fixed point by itself: its exponents would not be those of an attractor.
    """
    with torch.no_grad():
        if not torch.equal(system.advance(state[None], 1, 0)[0], state):
            return state
    deviations = np.random.default_rng(0).standard_normal(len(state))
    return state + torch.from_numpy(START_DEVIATION * deviations).to(state.device)


def _tensor(values: Tensor | np.ndarray | Sequence[float]) -> Tensor:
    """Values as a tensor; torch itself reads numbers in float32."""
    return values if isinstance(values, Tensor) else torch.as_tensor(np.asarray(values))


def _system(what: Source, dt: float, inputs: Tensor | np.ndarray | Sequence[float] | None) -> System:
    receives = is_recurrent(what) or hasattr(what, "driven_by_inputs")
    if inputs is not None and not receives:
        raise ValueError(
            "inputs: expected none but for torch's recurrent modules, MultiRegionRNN and Network; "
            "a step takes its input from the time, as step(state, t)"
        )
    if receives:
        module = copy.deepcopy(what).double()
        inputs = None if inputs is None else _tensor(inputs)
        return of_recurrent(module, inputs, dt) if is_recurrent(what) else module.driven_by_inputs(inputs).double()
    if isinstance(what, (Tensor, np.ndarray, list)):
        matrix = torch.as_tensor(np.asarray(what) if isinstance(what, list) else what)
        if matrix.is_complex():
            raise ValueError(f"expected a real matrix (N, N), got {matrix.dtype}")
        return of_matrix(matrix.detach().to(torch.float64), dt)
    if isinstance(what, (Dynamics, TrialDrivenSystem, SeriesDrivenSystem)):
        return what.double()
    if hasattr(what, "advance"):
        return what
    if isinstance(what, torch.nn.Module):
        if any(isinstance(part, _BatchNorm) and part.training for part in what.modules()):
            raise ValueError("expected batch normalisation in eval mode, got train mode: call .eval() first")
        return of_step(copy.deepcopy(what).double(), dt)
    if callable(what):
        return of_step(what, dt)
    raise ValueError(f"expected a system, a matrix or a step, got {type(what).__name__}")


def _check_length(system: System, schedule: Schedule) -> None:
    """ValueError where the inputs of a system end before its record does."""
    length = getattr(system, "length", None)
    record = schedule.tsim_max if schedule.tsim == "auto" else schedule.tsim
    needed = sum(round(time / system.dt) for time in (schedule.transient, schedule.frame_transient, record))
    if length is not None and needed > length:
        left = (length - needed) * system.dt + record
        name = "tsim_max" if schedule.tsim == "auto" else "tsim"
        advice = f"{name} = {left:g} would fit" if left > 0 else "the transients alone are longer"
        raise ValueError(f"inputs: expected at least {needed} steps, of transients and record, got {length}; {advice}")


def _tried(system: System, state: Tensor) -> Repeatability:
    """Steps of the state (N,), first alone, then with its tangent. Raises ValueError where the system cannot take them.

    Tangents are compared with differences where they come from a user's step.
    """
    try:
        repeatable = Repeatability(system, state)
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
    if isinstance(system, (OfStep, FromSteps)):
        check_tangent(system, state)
    return repeatable
