"""Trials of neurogym's environments (an extra): observations at each step, and the correct action."""

import difflib
import json
import warnings
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np

from randomnet.extras import install_line
from randomnet.tasks.trials import Trials

FEW = 12  # names that an error lists
ALL = "all"


def neurogym_trials(
    rng: np.random.Generator, *, nr_of_trials: int, env: str, env_params: str, env_period: str
) -> Trials:
    """Trials of a registered environment, drawn one by one with a seed of `rng`.

    Inputs are the observations (nr_of_trials, longest trial, channels), 0 after the end of a shorter one; targets the
    right action, as a class; scored are the steps of the period `env_period`, of `all` those of the whole trial.
    env_params: JSON of what the environment takes. Raises ValueError where it is none of neurogym's, does not take
    these, has no such period, or no right action out of finitely many.
    """
    made, outputs = _environment(env, env_params), _actions(env, env_params)
    made.seed(int(rng.integers(2**31)))
    drawn = [_trial(made, env, env_period) for _ in range(nr_of_trials)]
    longest = max(len(right) for _, right, _ in drawn)
    inputs = np.zeros((nr_of_trials, longest, drawn[0][0].shape[1]), np.float32)
    targets, mask = np.zeros(inputs.shape[:2], np.int64), np.zeros(inputs.shape[:2], bool)
    for row, (seen, right, scored) in enumerate(drawn):
        inputs[row, : len(seen)], targets[row, : len(right)], mask[row, : len(right)] = seen, right, scored
    return Trials(inputs, targets, mask, outputs, "classes", f"neurogym's {env}", synthetic=False)


def channels_of(parameters: Mapping[str, Any]) -> int:
    """Number of observation channels of the environment. Raises ValueError."""
    shape = _environment(parameters["env"], parameters["env_params"]).observation_space.shape
    if not shape or len(shape) != 1:
        raise ValueError(f"env: expected an environment that shows a row of numbers, got {parameters['env']!r}")
    return int(shape[0])


def actions_of(parameters: Mapping[str, Any]) -> int:
    """Number of actions of the environment. Raises ValueError."""
    return _actions(parameters["env"], parameters["env_params"])


def _actions(env: str, params: str) -> int:
    number = getattr(_environment(env, params).action_space, "n", None)
    if number is None:
        raise ValueError(f"env: expected an environment with finitely many actions, got {env!r}, which has others")
    return int(number)


def _trial(made: Any, env: str, period: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Observations (time, channels), correct actions (time,), and whether each step is scored."""
    made.new_trial()
    try:
        seen, right = np.asarray(made.ob, np.float32), np.asarray(made.gt)
    except AttributeError:
        raise ValueError(f"env: expected an environment whose trials say what is right, got {env!r}") from None
    if seen.ndim != 2 or right.shape != seen.shape[:1]:
        raise ValueError(f"env: expected observations and right actions for each step, got {env!r} with "
                         f"{seen.shape} and {right.shape}")  # fmt: skip
    scored = np.full(right.shape, period == ALL)
    if period != ALL:
        if period not in made.start_ind:
            raise ValueError(f"env_period: expected {ALL}, or a period of {env}, {', '.join(made.start_ind)}, "
                             f"got {period!r}{_nearest(period, list(made.start_ind))}")  # fmt: skip
        scored[made.start_ind[period] : made.end_ind[period]] = True
    return seen, right.astype(np.int64), scored


def _environment(env: str, params: str) -> Any:
    """The environment itself, without wrappers. Raises ValueError."""
    package = neurogym()
    names = package.envs.registration.all_envs()
    if env not in names:
        more = f" and {len(names) - FEW} more" * (len(names) > FEW)
        raise ValueError(f"env: expected one of neurogym's, {', '.join(names[:FEW])}{more}, got {env!r}"
                         f"{_nearest(env, names)}")  # fmt: skip
    try:
        given = json.loads(params)
        if not isinstance(given, dict):
            raise ValueError("no object")
    except ValueError as error:
        raise ValueError(f'env_params: expected JSON such as {{"dt": 100}}, got {params!r}: {error}') from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # gymnasium's, of how it draws
            return package.make(env, **given).unwrapped
    except Exception as error:  # whatever an environment makes of its parameters
        said = str(error).partition("\n")[0]
        raise ValueError(f"env_params: expected what {env} takes, got {params}: {said}") from None


def neurogym() -> ModuleType:
    """The package. Raises ValueError where it is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import neurogym
            import neurogym.envs.registration
    except ImportError:
        raise ValueError(
            f"env: expected neurogym for its environments, got none installed: {install_line('neurogym')}"
        ) from None
    return neurogym


def _nearest(name: str, names: list[str]) -> str:
    found = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {found[0]!r}?" if found else ""
