"""`fixed_points`: of a network, a torch module or any step, under constant inputs."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from randomnet import analysis
from randomnet.analysis import FixedPoints, Jacobian, Map, autodiff_jacobian, jacobian_of, starting_points
from randomnet.artifacts.systems import freeze_input
from randomnet.multiregion import MultiRegionRNN
from randomnet.notebook.networks import NotebookNetwork
from randomnet.rnn import Dynamics, Network
from randomnet.systems import for_states, is_recurrent, of_recurrent, recurrent_part, state_size

TRAJECTORIES, STEPS = 32, 100  # from whose states starts are drawn where none are given
NOISE = 0.1  # of these starts, relative to the standard deviation of each unit
Maps = Callable[[Tensor | None], tuple[Map, Jacobian]]  # input (I,) -> step and Jacobian


def fixed_points(
    source: Any,
    starts: Any = None,
    *,
    inputs: Any = None,
    n: int | None = None,
    number: int = 256,
    seed: int = 0,
    **settings: Any,
) -> FixedPoints | list[FixedPoints]:
    """The fixed points of a map under a constant input, in float64; `plot()` draws them.

    source: a network of `network()` or of results, a `Network`, `Dynamics` or `MultiRegionRNN`; torch.nn.RNN, GRU, LSTM
    or one of their cells, whose state is as in `spectrum`; or a step, a function or module of one state (N,) or of
    several (B, N). inputs: (I,), or (P, I) for a list of results, one for each input; None is 0. A step has no inputs.

    starts: (S, N) or (N,), where searches begin. None: `number` states near trajectories from random states, drawn with
    `seed`; n is then needed for a step, whose size is not known. settings: of `randomnet.analysis.fixed_points`. Raises
    ValueError for shapes that do not fit.

    >>> import torch
    >>> import randomnet as rn
    >>> rn.fixed_points(lambda h: torch.tanh(2 * h), torch.linspace(-1, 1, 5)[:, None])
    FixedPoints: 3 fixed points (2 stable, 1 unstable), 0 slow points, from 5 starts, 1 units
    >>> _ = torch.manual_seed(0)
    >>> rn.fixed_points(torch.nn.GRU(2, 8), inputs=[1.0, 0.0])
    FixedPoints: 1 fixed points (1 stable), 0 slow points, from 256 starts, 8 units
    """
    series = None if inputs is None else torch.as_tensor(np.asarray(inputs)).double()
    if series is not None and series.ndim == 2:
        each = {"n": n, "number": number, "seed": seed, **settings}
        return [fixed_points(source, starts, inputs=one, **each) for one in series]  # type: ignore[misc]
    if isinstance(source, MultiRegionRNN) and starts is not None:
        x = None if series is None else series.to(source.base_firing)
        return source.fixed_points(_states(starts), x, **settings)
    maps, size = _maps_of(source, n if starts is None else _states(starts).shape[1])
    step, jacobian = maps(series)
    first = _random_starts(step, size, number, seed) if starts is None else _states(starts)
    return analysis.fixed_points(step, jacobian, first, **settings)


def _states(starts: Any) -> Tensor:
    """States (S, N) in float64. Raises ValueError for another shape."""
    states = torch.as_tensor(starts if isinstance(starts, Tensor) else np.asarray(starts)).detach().double()
    states = states[None] if states.ndim == 1 else states
    if states.ndim != 2:
        raise ValueError(f"starts: expected shape (S, N) or (N,), got {tuple(states.shape)}")
    return states


def _random_starts(step: Map, size: int, number: int, seed: int) -> Tensor:
    """Starts (number, N) near trajectories of the map from random states."""
    rng = np.random.default_rng(seed)
    state = torch.from_numpy(rng.standard_normal((TRAJECTORIES, size)))
    visited = [state]
    with torch.no_grad():
        for _ in range(STEPS):
            visited.append(step(visited[-1]))
    states = torch.cat(visited)
    return starting_points(states[states.isfinite().all(1)], number, rng, NOISE)


def _maps_of(source: Any, n: int | None) -> tuple[Maps, int]:
    """Step and Jacobian of each input, and the number of states. Raises ValueError for inputs of a step."""
    if isinstance(source, NotebookNetwork):
        found: Any = source.system() if _has_inputs(source.module) else source.module
        source = found
    if isinstance(source, MultiRegionRNN):
        source = copy.deepcopy(source).double()
        return lambda x: _of_dynamics(source.driven_by_inputs(x)), source.hidden_size
    if isinstance(source, Network):
        module = copy.deepcopy(source).double().requires_grad_(False)
        return lambda x: _of_dynamics(module.driven_by_inputs(x)), module.n
    if isinstance(source, Dynamics):
        return _without_inputs(lambda: _of_dynamics(source.double())), source.gains.shape[-1]
    if hasattr(source, "channels") and hasattr(source, "rest"):
        zero = torch.zeros(source.channels, dtype=torch.float64)
        return lambda x: freeze_input(source, zero if x is None else x), source.n
    if is_recurrent(source):
        module = copy.deepcopy(source).double()
        return lambda x: _of_steps(of_recurrent(module, x).indexed), state_size(module)
    return _maps_of_step(source, n)


def _maps_of_step(source: Any, n: int | None) -> tuple[Maps, int]:
    """Step and Jacobian of a function or a module."""
    if not callable(source):
        raise ValueError(f"expected a network, a module or a step, got {type(source).__name__}")
    if n is None:
        part = recurrent_part(source)
        advice = f": fixed_points(model.{part}, ...) searches those of its recurrent part" if part else ""
        raise ValueError(
            f"starts: expected states (S, N), or n, the size of the state, for a step; got neither{advice}"
        )
    step = copy.deepcopy(source).double() if isinstance(source, nn.Module) else source
    states = for_states(step, torch.zeros(n, dtype=torch.float64))
    return _without_inputs(lambda: (states, autodiff_jacobian(states))), n


def _without_inputs(maps: Callable[[], tuple[Map, Jacobian]]) -> Maps:
    def of(x: Tensor | None) -> tuple[Map, Jacobian]:
        if x is not None:
            raise ValueError("inputs: expected None for a step, whose input is part of it: lambda h: step(x, h)")
        return maps()

    return of


def _of_dynamics(system: Any) -> tuple[Map, Jacobian]:
    """Step and Jacobian of a network without its graph; of one with parts of [dynamics] by differentiation."""
    if isinstance(system, Dynamics):
        system = system.double()
        return system.step, jacobian_of(system)
    return _of_steps(system.indexed)


def _of_steps(indexed: Callable[[Tensor, int], Tensor]) -> tuple[Map, Jacobian]:
    step = torch.func.vmap(lambda state: indexed(state, 0))
    return step, autodiff_jacobian(step)


def _has_inputs(module: Any) -> bool:
    return not isinstance(module, Network) or bool(module.interface)
