"""The Python API: Lyapunov spectra of any system that has a step.

>>> import math
>>> import torch
>>> from randomnet import spectrum

A matrix, whose exponents are the logarithms of its eigenvalues' magnitudes:

>>> result = spectrum(torch.tensor([[0.5, 0.1], [0.0, 0.2]], dtype=torch.float64), tsim=2000)
>>> result.exponents.round(3)
array([-0.693, -1.609])

Any function as a step, here the Henon map. The tangent is computed automatically:

>>> def henon(state):
...     x, y = state
...     return torch.stack([1 - 1.4 * x**2 + y, 0.3 * x])
>>> result = spectrum(henon, state=[0.1, 0.1], tsim=1000)
>>> print(f"{result.exponents.sum():.6f}")  # ln 0.3
-1.203973
>>> bool(0.38 < result.exponents[0] < 0.46 and result.stderr[0] < 0.02)
True

Any torch module, here an Elman network without input:

>>> _ = torch.manual_seed(0)
>>> class Elman(torch.nn.Module):
...     def __init__(self):
...         super().__init__()
...         self.recurrent = torch.nn.Linear(20, 20, dtype=torch.float64)
...     def forward(self, state):
...         return torch.tanh(self.recurrent(state))
>>> result = spectrum(Elman(), state=torch.zeros(20), k=3, tsim=500)
>>> len(result.exponents), bool(result.exponents[0] < 0), result.converged
(3, True, True)

A flow, with Runge-Kutta steps. A second argument named t is the time, here in a driven oscillator:

>>> from randomnet.systems import of_flow
>>> result = spectrum(of_flow(lambda h: -h, dt=0.1), state=[1.0, 2.0], tsim=50, transient=1, frame_transient=1)
>>> result.exponents.round(5)
array([-1., -1.])
>>> def oscillator(state, t):
...     x, v = state
...     return torch.stack([v, math.cos(t) - 4 * x - 0.4 * v])
>>> result = spectrum(of_flow(oscillator, dt=0.1), state=[0.0, 0.0], tsim=10)
>>> print(f"{result.exponents.sum():.3f}")  # minus the damping, for any drive
-0.400

The recurrent modules of torch, with input 0, a constant input, or one input per step. Their exponents are conditional:
they describe two copies that receive the same input. The state of an LSTM is all of h, then all of c:

>>> cell = torch.nn.RNNCell(3, 20)
>>> result = spectrum(cell, state=torch.zeros(20), inputs=torch.ones(3), k=3, tsim=200)
>>> len(result.exponents), bool(result.exponents[0] < 0)
(3, True)
>>> lstm = torch.nn.LSTM(3, 10, num_layers=2)
>>> result = spectrum(lstm, state=torch.zeros(2 * 2 * 10), inputs=torch.randn(50, 3), tsim=30)
>>> len(result.exponents)
40

A network of regions, which has an initial state of its own:

>>> from randomnet.multiregion import MultiRegionRNN
>>> net = MultiRegionRNN({
...     "recurrent_regions": [{"name": "cortex", "num_units": 20}],
...     "recurrent_connections": [{"src_region": "cortex", "dst_region": "cortex"}],
...     "input_regions": [{"name": "cue", "num_units": 2}],
...     "input_connections": [{"src_region": "cue", "dst_region": "cortex"}],
... }, activation="tanh", spectral_radius=0.5)
>>> result = spectrum(net, inputs=torch.tensor([1.0, 0.0]), k=2, tsim=50)
>>> len(result.exponents), bool(result.exponents[0] < 0)
(2, True)

A step must depend on its arguments only, and autograd must see all of its operations:

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
    recurrent_part,
    state_size,
    takes_one_state,
    takes_states,
)

START_DEVIATION = 1e-3  # distance of the initial state from a fixed point
COARSE_ROUNDING = 1e-5  # rounding error of ln |R_ii| for float32 numbers, which have 7 digits
Source = System | Tensor | np.ndarray | list | torch.nn.Module | Callable[..., Tensor]


def spectrum(
    source: Source,
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
    """The k leading Lyapunov exponents of `source` (all by default), in float64, with error bars and a verdict.

    source: one of
    - a matrix (N, N), for the map h <- M h;
    - a step (N,) -> (N,), or (B, N) -> (B, N), of duration dt: a function of the state, or step(state, t), or a
      torch.nn.Module whose forward is such a function. t is 0 at the first state. A step may work in place;
    - torch.nn.RNN, GRU, LSTM, RNNCell, GRUCell or LSTMCell, with state (layers * hidden_size,), or for an LSTM
      (2 * layers * hidden_size,), all of h and then all of c;
    - a MultiRegionRNN or a Network, without noise, with its own dt;
    - a system from `randomnet.systems`, or the `dynamics()` of a network.

    state: the initial state (N,). It is optional for a matrix, for torch's recurrent modules, which start at 0, and for
    networks, which start at their own initial state. Modules and networks start 1e-3 away from it if that is a fixed
    point. For a step it is needed, as its size is not known.
    inputs: for torch's recurrent modules and for networks, (I,) for a constant input, or (time, I) for one input per
    step from the start of the transient; None for input 0. A series must cover the transients and the record.

    Times are in the unit of dt, and exponents per that unit. tsim, transient, frame_transient, tolerance, tsim_max: see
    `lyapunov.Schedule`. tons: time between QRs, by default one step, or 0.1 where steps are shorter. seed: seed of the
    random initial frame. Modules and networks are copied to float64. Exponents of a float32 matrix or module count as 0
    within the rounding error of float32.

    Raises ValueError, with both shapes, for shapes that do not match; for another precision; and for a step that needs
    other arguments, has a memory, or has a tangent that contradicts finite differences.
    """
    system = _system(source, dt, inputs)
    initial = _initial_state(source, state)
    system = _for_one_state(system, initial)
    repeatable = _try_steps(system, initial)
    if state is None and not isinstance(source, (Tensor, np.ndarray, list)):
        initial = _off_fixed_point(system, initial)
    count = len(initial) if k is None else k
    if not isinstance(count, Integral):
        raise ValueError(f"k must be a whole number, got {k!r}")
    frame = random_frame(np.random.default_rng(seed), int(count), len(initial))
    interval = max(system.dt, 0.1) if tons is None else tons
    schedule = Schedule(tsim, interval, transient, frame_transient, tolerance, tsim_max)
    _check_length(system, schedule)
    result = spectrum_of_system(system, initial, torch.from_numpy(frame).to(initial.device), schedule)
    repeatable.check()
    return dataclasses.replace(result, rounding=COARSE_ROUNDING) if _is_coarse(source) else result


def _for_one_state(system: System, state: Tensor) -> System:
    """The system whose step takes one state (N,), also where a user's step takes several (B, N)."""
    if not isinstance(system, OfStep):
        return system

    def first(states: Tensor) -> Tensor:
        return system.indexed(states, 0)

    if takes_one_state(first, state) or not takes_states(first, state):
        return system
    return dataclasses.replace(system, indexed=lambda h, index: system.indexed(h[None], index)[0])


def _is_coarse(source: Source) -> bool:
    """Whether a matrix or a module has numbers of a coarser precision than float64."""
    if isinstance(source, torch.nn.Module):
        tensors = [*source.parameters(), *source.buffers()]
        return any(tensor.is_floating_point() and tensor.dtype != torch.float64 for tensor in tensors)
    if isinstance(source, np.ndarray):
        return source.dtype in (np.float32, np.float16)
    return isinstance(source, Tensor) and source.is_floating_point() and source.dtype != torch.float64


def _initial_state(source: Source, state: Tensor | np.ndarray | Sequence[float] | None) -> Tensor:
    """The initial state (N,) in float64; by default 0 for a matrix and a module of torch, and a network's own.

    Raises ValueError for another shape, and where a state is needed and missing.
    """
    if state is None and isinstance(source, (Tensor, np.ndarray, list)):
        state = torch.zeros(len(source))
    elif state is None and isinstance(getattr(source, "initial", None), Tensor):
        state = source.initial
    elif state is None and is_recurrent(source):
        state = torch.zeros(state_size(source))
    elif state is None:
        raise ValueError("state: expected the state (N,) that a step starts from, as its size is not known; got none")
    initial = _tensor(state).detach().to(torch.float64)
    if initial.ndim != 1:
        raise ValueError(f"state: expected shape (N,), of one trial, got {tuple(initial.shape)}")
    return initial


def _off_fixed_point(system: System, state: Tensor) -> Tensor:
    """The initial state (N,) of a network, with deviations of 1e-3 where it is a fixed point, such as zeros.

    A trajectory never leaves an unstable fixed point by itself, so its exponents would not be those of an attractor.
    """
    with torch.no_grad():
        if not torch.equal(system.advance(state[None], 1, 0)[0], state):
            return state
    deviations = np.random.default_rng(0).standard_normal(len(state))
    return state + torch.from_numpy(START_DEVIATION * deviations).to(state.device)


def _tensor(values: Tensor | np.ndarray | Sequence[float]) -> Tensor:
    """Values as a tensor, with numbers in float64, because torch itself converts them to float32."""
    return values if isinstance(values, Tensor) else torch.as_tensor(np.asarray(values))


def _system(source: Source, dt: float, inputs: Tensor | np.ndarray | Sequence[float] | None) -> System:
    """The system of `source`. Raises ValueError where it is of an unknown kind, or has no inputs but receives some."""
    has_inputs = is_recurrent(source) or hasattr(source, "driven_by_inputs")
    if inputs is not None and not has_inputs:
        part = recurrent_part(source)
        advice = f"spectrum(model.{part}, inputs=...) is that of its recurrent part" if part else (
            "a step takes its input from the time, as step(state, t)"
        )  # fmt: skip
        raise ValueError(
            "inputs: expected None except for torch's RNN, GRU, LSTM and their cells, and for networks, "
            f"got some for {type(source).__name__}; {advice}"
        )
    if has_inputs:
        module = copy.deepcopy(source).double()
        inputs = None if inputs is None else _tensor(inputs)
        return of_recurrent(module, inputs, dt) if is_recurrent(source) else module.driven_by_inputs(inputs).double()
    if isinstance(source, (Tensor, np.ndarray, list)):
        matrix = torch.as_tensor(np.asarray(source) if isinstance(source, list) else source)
        if matrix.is_complex():
            raise ValueError(f"expected a real matrix (N, N), got {matrix.dtype}")
        return of_matrix(matrix.detach().to(torch.float64), dt)
    if isinstance(source, (Dynamics, TrialDrivenSystem, SeriesDrivenSystem)):
        return source.double()
    if hasattr(source, "advance"):
        return source
    if isinstance(source, torch.nn.Module):
        if any(isinstance(part, _BatchNorm) and part.training for part in source.modules()):
            raise ValueError("expected batch normalisation in eval mode, got train mode: call .eval() first")
        return of_step(copy.deepcopy(source).double(), dt)
    if callable(source):
        return of_step(source, dt)
    raise ValueError(f"expected a system, a matrix or a step, got {type(source).__name__}")


def _check_length(system: System, schedule: Schedule) -> None:
    """Raise ValueError where the inputs of a system end before its record does."""
    length = getattr(system, "length", None)
    record = schedule.tsim_max if schedule.tsim == "auto" else schedule.tsim
    needed = sum(round(time / system.dt) for time in (schedule.transient, schedule.frame_transient, record))
    if length is not None and needed > length:
        longest = (length - needed) * system.dt + record
        name = "tsim_max" if schedule.tsim == "auto" else "tsim"
        advice = f"{name} = {longest:g} would fit" if longest > 0 else "the transients alone are longer"
        raise ValueError(f"inputs: expected at least {needed} steps, of transients and record, got {length}; {advice}")


def _try_steps(system: System, state: Tensor) -> Repeatability:
    """Take steps from the state (N,), without and with tangents, and return the check for repeatability.

    Tangents of a user's step are compared with finite differences. Raises ValueError where a step or a check fails.
    """
    try:
        repeatable = Repeatability(system, state)
        with torch.no_grad():
            after = system.advance(torch.stack([state, torch.ones_like(state)]), 1, 0)
    except ValueError:
        raise
    except Exception as error:  # a user's function can raise anything
        raise ValueError(
            f"expected a step of a float64 state of shape {tuple(state.shape)} to one like it, in torch operations "
            f"that can be differentiated, got {type(error).__name__}: {error}"
        ) from error
    if after.dtype != torch.float64:
        raise ValueError(f"expected a step in float64, got {after.dtype}")
    if isinstance(system, (OfStep, FromSteps)):
        check_tangent(system, state)
    return repeatable
