"""The arguments of a step: its state, or its state and the time."""

import inspect
from collections.abc import Callable
from typing import Any

import torch

TIMES = ("t", "time")
STATES = ("hx", "h", "h0", "h_0", "hidden", "hidden_state", "state", "states", "initial_state")
BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def check_dt(dt: float) -> None:
    """Raise ValueError unless the time step is above 0."""
    if not dt > 0:
        raise ValueError(f"dt must be above 0, got {dt}")


def takes_time(step: Callable[..., Any]) -> bool:
    """Whether a step is step(state, t) and not step(state), according to the name of its second argument.

    A step without a signature, such as a built-in function of torch, counts as step(state). Raises ValueError where the
    step needs other arguments, or where the names suggest an input before the state.
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
    keywords = [parameter for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]
    required = [parameter for parameter in (*positional, *keywords) if parameter.default is parameter.empty]
    has_time = second in TIMES
    input_first = positional and positional[0].name not in STATES and second in STATES
    if len(required) > 1 + has_time or input_first:
        raise ValueError(
            f"expected step(state) or step(state, t), got {'forward' if is_module else 'step'}{signature}; "
            "bind the other arguments, as in spectrum(lambda state: cell(input, state), state)"
        )
    return has_time
