"""Names of combos for titles, legends, tables and file names."""

from collections.abc import Mapping, Sequence
from typing import Any

from randomnet.comparison.study import ALL, TASK, Combo, canonical, distinct_values

SYNTHETIC = "(synthetic)"
SHUFFLED = "shuffled"
NULL = " null: "


def connectome_text(record: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """What the network is, from the manifest; synthetic and shuffled ones are called so."""
    name = str(record.get("name") or "")
    if record.get("synthetic") and "synthetic" not in name.casefold():
        name = f"{name} {SYNTHETIC}".strip()
    null = "random_w" if settings.get("net.random_w") is True else settings.get("net.null", "none")
    said = {"none": "", "random_w": SHUFFLED}.get(null, f"{NULL}{null}".lstrip())
    return f"{name} {said}".strip()


def task_of(record: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The task of a combo, from its connectome's facts and its settings; empty where it has none (or `none`)."""
    name = settings.get(TASK)
    return {"name": name, **(record.get("task") or {})} if str(name or "none").casefold() != "none" else {}


def task_text(combos: Sequence[Combo]) -> str:
    """The tasks of these combos for a title; what images are made up is called synthetic. Empty where there is none."""
    texts = []
    for task in (combo.task for combo in combos if combo.task):
        source = str(task.get("source") or "data")
        source = source if SYNTHETIC[1:-1] in source.casefold() else f"{SYNTHETIC[1:-1]} {source}"
        texts.append(f"{task['name']} ({source})" if task.get("synthetic") else str(task["name"]))
    return " and ".join(dict.fromkeys(texts))


def title_with_task(combos: Sequence[Combo], title: str) -> str:
    """The title, after the task where there is one."""
    return ": ".join(filter(None, [task_text(combos), title]))


def task_if_different(every: Sequence[Combo], combos: Sequence[Combo]) -> str:
    """The task of these combos for the legend; empty where all folders have the same."""
    texts = {task_text([combo for combo in every if combo.label == label]) for label in {c.label for c in every}}
    return task_text(combos) if len(texts) > 1 else ""


def value_names(combos: Sequence[Combo], option: str) -> dict[Any, str]:
    """The values of an option in their order, by what makes them equal, as people read them."""
    order = [canonical(text) for text in distinct_values(combos, option)]
    same = {key: [combo for combo in combos if canonical(combo.get(option)) == key] for key in order}
    return {key: max((value_text(combo, option) for combo in group), key=len) for key, group in same.items()}


def value_text(combo: Combo, option: str) -> str:
    """An option's value for people: where it names a synthetic connectome, it says so."""
    value = str(combo.get(option))
    return f"{value} {SYNTHETIC}" if combo.connectome.startswith(f"{value} {SYNTHETIC}") else value


def combo_text(combo: Combo, options: Sequence[str]) -> str:
    """The options' values, as in the table and in file names."""
    return ", ".join(f"{option}={combo.values.get(option)}" for option in options) or ALL


def title_text(combos: Sequence[Combo], options: Sequence[str]) -> str:
    """The options' values; a name that is synthetic in any of the folders is called so."""
    values = {option: max((value_text(combo, option) for combo in combos), key=len) for option in options}
    return ", ".join(f"{option} = {value}" for option, value in values.items())


def unshared_text(combo: Combo, shared: Sequence[str]) -> str:
    """The options this folder varies alone."""
    return ", ".join(f"{option}={value}" for option, value in combo.values.items() if option not in shared)


def legend_text(label: str, connectomes: Sequence[str], own: str = "") -> str:
    """Legend text: the label, what network it is, and the options of its own."""
    names = list(dict.fromkeys(filter(None, connectomes)))
    text = " and ".join(names) if len(names) < 3 else _many(names)
    if text not in (label, f"{label} {SYNTHETIC}") or label.endswith(SYNTHETIC):
        text = f"{label}: {text}" if text else label
    return f"{text}, {own}" if own else text


def _many(names: Sequence[str]) -> str:
    """Many connectomes in few words: the null models of one are no further connectomes."""
    wired = list(dict.fromkeys(name.split(NULL)[0].removesuffix(f" {SHUFFLED}") for name in names))
    synthetic = sum("synthetic" in name for name in wired)
    count = f"{len(wired)} connectomes" + (f" ({synthetic} synthetic)" if synthetic else "")
    text = count if len(wired) > 2 else " and ".join(wired)
    return text if set(names) <= set(wired) else f"{text} with null models"
