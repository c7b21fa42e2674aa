"""[trialparams]: the task, and the options of all tasks, from their rows."""

from collections.abc import Sequence
from dataclasses import field, make_dataclass
from typing import Any

from randomnet.conditions import TASKED
from randomnet.settings.option import UNSET, Condition, Option, Section, option
from randomnet.settings.values import Choice
from randomnet.tasks import TASKS, Parameter

TEXT = "[trialparams] The task; trial_params = {...} (JSON or a Python literal, as in bio_rnn_mem) sets the same keys."


def _rows() -> dict[str, dict[str, Parameter]]:
    """Key -> task -> parameter, in the order of the tasks."""
    rows: dict[str, dict[str, Parameter]] = {}
    for name, task in TASKS.items():
        for parameter in task.parameters:
            rows.setdefault(parameter.name, {})[name] = parameter
    return rows


def _condition(names: Sequence[str], further: Condition | None) -> Condition:
    """Where the task is one of these, and a further condition holds."""
    if len(names) == len(TASKS):
        tasked = TASKED
    else:
        listed = " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
        tasked = Condition(f"trialparams.task_name = {listed}", lambda config: config.trialparams.task_name in names)
    if further is None:
        return tasked
    words = f"{tasked.words}, and {further.words}"
    return Condition(words, lambda config: tasked.holds(config) and further.holds(config))


def _option(of_tasks: dict[str, Parameter]) -> Any:
    """One key of several tasks. Raises ValueError where the tasks differ in more than its default."""
    first = next(iter(of_tasks.values()))
    for name, parameter in of_tasks.items():
        if (parameter.value, parameter.text) != (first.value, first.text):
            raise ValueError(
                f"task {name}: {first.name}: expected the kind of value and sentence of other tasks, "
                f"{first.value.expected!r} and {first.text!r}, got {parameter.value.expected!r} and {parameter.text!r}"
            )
    defaults = {name: parameter.default for name, parameter in of_tasks.items() if parameter.default != first.default}
    neutral = UNSET if first.neutral is None else first.neutral
    condition = _condition(tuple(of_tasks), first.only)
    return field(
        default=first.default,
        metadata={"option": Option(first.value, first.text, only=condition, defaults=defaults, neutral=neutral)},
    )


TASK_NAME = option(Choice(("none", *TASKS)), "none", "Task. With one, several defaults differ.")
TrialParamsSection = make_dataclass(
    "TrialParamsSection",
    [("task_name", str, TASK_NAME), *((name, Any, _option(of_tasks)) for name, of_tasks in _rows().items())],
    bases=(Section,),
    frozen=True,
    namespace={"__doc__": TEXT, "__module__": __name__},
)
