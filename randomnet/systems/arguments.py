"""What a step is called with: its state alone, or the state and the time."""

import inspect
from collections.abc import Callable
from typing import Any

import torch

TIMES = ("t", "time")
STATES = ("hx", "h", "h0", "h_0", "hidden", "hidden_state", "state", "states", "initial_state")
BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def check_dt(dt: float) -> None:
    """ValueError unless the time of a step is above 0."""
    if not dt > 0:
        raise ValueError(f"dt must be above 0, got {dt}")


def takes_time(step: Callable[..., Any]) -> bool:
    """Whether it is step(state, t) rather than step(state), by the name of its second argument.

    Raises ValueError where it needs other arguments, or seems to take an input before its state. A step that does not
    say what it takes, as torch's own functions, takes the state alone.
    """
    is_module = isinstance(step, torch.nn.Module)
    called: Any = step.forward if isinstance(step, torch.nn.Module) else step
    try:
        signature = inspect.signature(called)
    except (TypeError, ValueError):
        return False
    parameters = list(signature.parameters.values())
    positional = [parameter for parameter in parameters if parameter.kind in BY_POSITION]
    second = positional[1].name if len(positional) > 1 else ""
    needed = [parameter for parameter in positional if parameter.default is parameter.empty]
    needed += [one for one in parameters if one.kind is one.KEYWORD_ONLY and one.default is one.empty]
    timed = second in TIMES
    before_state = positional and positional[0].name not in STATES and second in STATES
    if len(needed) > 1 + timed or before_state:
        shown = f"{'forward' if is_module else 'step'}{signature}"
        raise ValueError(
            f"expected step(state) or step(state, t), got {shown}; "
            "fix what it needs besides the state, as in spectrum(lambda state: cell(input, state), state)"
        )
    return timed
