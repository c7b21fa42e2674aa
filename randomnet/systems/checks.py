"""Checks that a step depends on its arguments only, and that its tangent is its derivative."""

import math
from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor

REPEATED = 1e-11  # largest relative difference of two evaluations at one state that rounding can explain
HALF_WIDTHS = (1e-4, 1e-6, 1e-8)  # half widths of central differences, in units of the state
AGREEMENT = 1e-3  # largest relative difference between a tangent and central differences
ROUNDING = 1e-14  # rounding error of a step, relative to its largest entry
NEARBY, LATER = 4, 20  # tangents are checked at this many nearby states, and at a state this many steps later


class System(Protocol):
    """A dynamical system, as `lyapunov.System`."""

    def advance(self, bundle: Tensor, steps: int, start: int) -> Tensor:
        """State and tangent vectors after `steps` steps from the time `start`, in steps."""
        ...


class Repeatability:
    """A check that a system always maps a state to the same next state.

    Create it before exponents are computed, and call `check` again afterwards.
    """

    def __init__(self, system: System, state: Tensor) -> None:
        self.system, self.state = system, state
        self.expected = _after(system, state)
        _after(system, self.expected)
        self.check()

    def check(self) -> None:
        """Raise ValueError where the next state of the first state differs from that at construction."""
        expected, current = self.expected, _after(self.system, self.state)
        finite = expected.isfinite() & current.isfinite()
        difference = float((expected - current)[finite].abs().max()) if finite.any() else 0.0
        scale = float(expected[finite].abs().max()) if finite.any() else 0.0
        if difference > REPEATED * scale or (expected.isfinite() != current.isfinite()).any():
            raise ValueError(
                f"expected a step that is a function of its arguments, got results for the same state that differ by "
                f"up to {difference:.2g}: it draws random numbers, or has a clock, a counter or other memory. "
                "Take the time as step(state, t); call .eval() on modules with dropout or batch normalisation"
            )


@torch.no_grad()
def check_tangent(system: System, state: Tensor) -> None:
    """Raise ValueError where central differences contradict the tangent at most of several states.

    The states are `state`, a later one, and nearby ones. A kink such as that of relu at some states is not an error.

    >>> import torch
    >>> from randomnet.systems import check_tangent, of_step
    >>> check_tangent(of_step(lambda h: torch.tanh(2 * h)), torch.ones(2).double())
    """
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(NEARBY + 2, len(state), generator=generator, dtype=state.dtype).to(state.device)
    nearby, directions = noise[:NEARBY], noise[NEARBY:]
    size = _sizes(state)
    length = getattr(system, "length", None)
    later = system.advance(state[None].clone(), LATER if length is None else min(LATER, length), 0)[0]
    states = [state, later, *(state + 0.1 * size * shift for shift in nearby)]
    checked = [(each, _tangent_error(system, each, directions)) for each in states]
    errors = [error for _, error in checked if error is not None]
    wrong = [error for error in errors if error[0] > 1]
    if 2 * len(wrong) > len(errors):
        _, tangent, difference = wrong[len(wrong) // 2]
        raise ValueError(
            f"expected a step whose derivative is that of finite differences, got |J v| = {tangent:.4g} "
            f"where they give {difference:.4g}, at {len(wrong)} of {len(errors)} states: autograd does not see "
            "all of the step (.detach(), .data, .item(), numpy, rounding), or its tangent is wrong"
        )
    states = [each for each, error in checked if error is not None]
    if errors and all(tangent == 0 for _, tangent, _ in errors) and _varies(system, states):
        raise ValueError(
            "expected a step with a derivative, got one that is 0 at every state though its results differ: "
            "it rounds, compares, takes signs or saturates"
        )


@torch.no_grad()
def _after(system: System, state: Tensor) -> Tensor:
    return system.advance(state[None].clone(), 1, 0)[0]


def _sizes(state: Tensor) -> Tensor:
    """(N,): typical magnitude of each entry; where an entry is 0, the largest magnitude, or 1 if all are 0."""
    largest = state.abs().max()
    return torch.where(state == 0, torch.where(largest > 0, largest, 1.0), state.abs())


def _tangent_error(system: System, state: Tensor, directions: Tensor) -> tuple[float, float, float] | None:
    """The smallest error of tangents along `directions` (k, N), in units of the tolerance, and both magnitudes.

    Widths of differences scale with the state, and also with min(state, 1) where the state is large, as angles that
    grow without bound are. None where the step has no finite result, or rejects the state.
    """
    size = _sizes(state)
    scales = [size, size.clamp_max(1)] if size.max() > 1 else [size]
    try:
        errors = [error for scale in scales for error in _errors(system, state, directions * scale)]
    except Exception:  # a user's function can raise anything outside its domain
        return None
    return min((error for error in errors if not math.isnan(error[0])), default=None)


def _errors(system: System, state: Tensor, vectors: Tensor) -> Iterator[tuple[float, float, float]]:
    """For each of HALF_WIDTHS, the error in units of the tolerance, and magnitudes of tangents and differences.

    The tolerance is relative to the tangents, or to their change in the step if that is smaller, as in short steps of
    flows.
    """
    after = system.advance(torch.cat([state[None], vectors]), 1, 0)
    tangents, largest = after[1:], float(after[0].abs().max())
    for half in HALF_WIDTHS:
        ends = [torch.stack([_after(system, state + sign * half * vector) for vector in vectors]) for sign in (1, -1)]
        differences = (ends[0] - ends[1]) / (2 * half)
        size, change = (
            max(float((each - base).norm()) for each in (tangents, differences)) for base in (0.0, vectors)
        )
        allowed = AGREEMENT * min(size, change) + ROUNDING * largest / half * differences.numel() ** 0.5
        error = float((differences - tangents).norm())
        relative = error / allowed if allowed > 0 else float(error > 0)
        yield relative, float(tangents.norm()), float(differences.norm())


def _varies(system: System, states: list[Tensor]) -> bool:
    afters = torch.stack([_after(system, state) for state in states])
    return bool((afters - afters[0]).abs().max() > REPEATED * afters.abs().max())
