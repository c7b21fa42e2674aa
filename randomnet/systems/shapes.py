"""The shape of states that a step takes: one state (N,), or several (B, N). Both are accepted where a step is."""

from collections.abc import Callable

import torch
from torch import Tensor

Step = Callable[[Tensor], Tensor]
APART = 0.1  # between the states on which a step is tried
SAME = 1e-6  # largest difference of results of one state alone and among others


def takes_states(step: Step, state: Tensor) -> bool:
    """Whether a step takes several states (B, N), each on its own, as a few calls tell. state: (N,), one to try.

    >>> import torch
    >>> takes_states(lambda h: h[:, [1, 0]], torch.zeros(2)), takes_states(lambda h: h[[1, 0]], torch.zeros(2))
    (True, False)
    """
    states = _some(state)
    together = _result(step, states)
    if together is None:
        return False
    alone = [_result(step, each) for each in states]
    return all(one is None or torch.allclose(one, row, SAME, SAME, equal_nan=True)
               for one, row in zip(alone, together, strict=True))  # fmt: skip


def takes_one_state(step: Step, state: Tensor) -> bool:
    """Whether a step takes one state (N,).

    >>> import torch
    >>> takes_one_state(lambda h: h[:, [1, 0]], torch.zeros(2)), takes_one_state(lambda h: h[[1, 0]], torch.zeros(2))
    (False, True)
    """
    return _result(step, state) is not None


def for_states(step: Step, state: Tensor) -> Step:
    """The step of states (B, N), given that of one state (N,) or of several. state: (N,), one to try.

    A step that takes neither is returned as it is.

    >>> import torch
    >>> swap = for_states(lambda h: h[[1, 0]], torch.zeros(2))
    >>> swap(torch.tensor([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [[2.0, 1.0], [4.0, 3.0]]
    """
    if takes_states(step, state) or not takes_one_state(step, state):
        return step
    return torch.func.vmap(step)


def _some(state: Tensor) -> Tensor:
    """Different states (B, N), where B is not N: so no step takes them for the entries of one state."""
    count = 3 if len(state) == 2 else 2
    return state + APART * torch.arange(count, dtype=state.dtype, device=state.device)[:, None]


def _result(step: Step, states: Tensor) -> Tensor | None:
    """The states after a step; None where it fails, or changes their shape. Random numbers are drawn again later."""
    try:
        with torch.random.fork_rng(devices=[]):
            after = step(states.clone()).detach()
    except Exception:  # a user's function can raise anything for another shape
        return None
    return after if after.shape == states.shape else None
