"""Names of combos for titles, legends, tables and file names."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from randomnet.comparison.study import ALL, TASK, Combo, canonical, distinct_values, same_option

SYNTHETIC = "(synthetic)"
SHUFFLED = "shuffled"
NULL = " null: "
TABLE = "responses"  # the option whose values are paths of tables
COMBOS_OF_SOURCES = {"source.combo": "source.folder", "pretrainedparams.pretrained_combo": "paths.pretrained"}


def connectome_text(record: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """Name of the network from the manifest; synthetic and shuffled ones are named as such."""
    name = str(record.get("name") or "")
    if record.get("synthetic") and "synthetic" not in name.casefold():
        name = f"{name} {SYNTHETIC}".strip()
    null = "random_w" if settings.get("net.random_w") is True else settings.get("net.null", "none")
    null_text = {"none": "", "random_w": SHUFFLED}.get(null, f"{NULL}{null}".lstrip())
    return f"{name} {null_text}".strip()


def task_of(record: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The task of a combo, from its connectome's record and its settings; empty for none."""
    name = settings.get(TASK)
    return {"name": name, **(record.get("task") or {})} if str(name or "none").casefold() != "none" else {}


def task_text(combos: Sequence[Combo]) -> str:
    """Tasks of these combos for a title, synthetic data named as such; empty without a task."""
    texts = []
    for task in (combo.task for combo in combos if combo.task):
        source = str(task.get("source") or "data")
        source = source if SYNTHETIC[1:-1] in source.casefold() else f"{SYNTHETIC[1:-1]} {source}"
        texts.append(f"{task['name']} ({source})" if task.get("synthetic") else str(task["name"]))
    return " and ".join(dict.fromkeys(texts))


def title_with_task(combos: Sequence[Combo], title: str) -> str:
    """The title after the task, if there is one."""
    return ": ".join(filter(None, [task_text(combos), title]))


def task_if_different(all_combos: Sequence[Combo], combos: Sequence[Combo]) -> str:
    """Task of these combos for a legend; empty if all folders have the same task."""
    texts = {
        task_text([combo for combo in all_combos if combo.label == label]) for label in {c.label for c in all_combos}
    }
    return task_text(combos) if len(texts) > 1 else ""


def value_names(combos: Sequence[Combo], option: str) -> dict[Any, str]:
    """Values of an option in their order: canonical value -> text for people."""
    order = [canonical(text) for text in distinct_values(combos, option)]
    combos_of = {key: [combo for combo in combos if canonical(combo.get(option)) == key] for key in order}
    return {key: max((value_text(combo, option) for combo in group), key=len) for key, group in combos_of.items()}


def value_text(combo: Combo, option: str, combos: Sequence[Combo] = ()) -> str:
    """An option's value for people.

    Of a table's path the distinguishing end; the number of an earlier stage's combo with what that combo has of its
    grid; a synthetic connectome is marked.

    combos: whose tables are told apart; without any, those of the combo's folder.
    """
    if option.split(".")[-1] == TABLE:
        return _table_text(combo, option, combos)
    value = str(combo.get(option))
    if counts_combos(option):
        return " ".join(filter(None, [value, _values_of_source(combo, option)]))
    return f"{value} {SYNTHETIC}" if combo.connectome.startswith(f"{value} {SYNTHETIC}") else value


def counts_combos(option: str) -> bool:
    """Whether the option's numbers are those of combos, which are names and no quantity."""
    return any(same_option(option, name) for name in COMBOS_OF_SOURCES)


def _values_of_source(combo: Combo, option: str) -> str:
    """What the manifest records of the values of the combo that this run starts from, in brackets; empty without."""
    names = [folder for name, folder in COMBOS_OF_SOURCES.items() if same_option(option, name)]
    for entry in combo.record.get("upstream") or ():
        if entry.get("option") in names and str(entry.get("combo")) == str(combo.get(option)) and entry.get("values"):
            return f"({', '.join(map(str, entry['values'].values()))})"
    return ""


def _table_text(combo: Combo, option: str, combos: Sequence[Combo]) -> str:
    """The end of a table's path by which it differs from the tables of the others; see `value_text`."""
    values = [other.get(option) for other in combos]
    values = values or [entry["values"].get(option) for entry in combo.loaded.manifest["combos"]]
    return distinguishing_end(str(combo.get(option)), map(str, values))


def distinguishing_end(path: str, paths: Iterable[str]) -> str:
    """The shortest end of a path that no other of the paths has, without its suffix where that is enough."""
    others = set(paths) - {path}
    for count in range(1, len(PurePath(path).parts) + 1):
        taken = {end for other in others for end in _ends_of(other, count)}
        for end in _ends_of(path, count):
            if end not in taken:
                return end
    return path


def _ends_of(path: str, count: int) -> tuple[str, str]:
    """The last parts of a path, without its suffix and with it."""
    end = PurePath(*PurePath(path).parts[-count:])
    return end.as_posix().removesuffix(end.suffix), end.as_posix()


def combo_text(combo: Combo, options: Sequence[str], combos: Sequence[Combo] = ()) -> str:
    """The options' values as in tables and file names; combos as in `value_text`."""
    return ", ".join(written_value(combo, option, combos) for option in options) or ALL


def written_value(combo: Combo, option: str, combos: Sequence[Combo] = ()) -> str:
    """One option with its value as in tables and file names; combos as in `value_text`."""
    is_table = option.split(".")[-1] == TABLE
    return f"{option}={value_text(combo, option, combos) if is_table else combo.values.get(option)}"


def title_text(combos: Sequence[Combo], options: Sequence[str]) -> str:
    """The options' values as in titles; a name that is synthetic in any folder is marked."""
    values = {option: max((value_text(combo, option) for combo in combos), key=len) for option in options}
    return ", ".join(f"{option} = {value}" for option, value in values.items())


def unshared_text(combo: Combo, shared: Sequence[str]) -> str:
    """Values of the options that only this folder varies."""
    return ", ".join(written_value(combo, option) for option in combo.values if option not in shared)


def legend_text(label: str, connectomes: Sequence[str], options: str = "") -> str:
    """Legend text: the label, the network, and the folder's own options."""
    names = list(dict.fromkeys(filter(None, connectomes)))
    text = " and ".join(names) if len(names) < 3 else _summarised(names)
    if text not in (label, f"{label} {SYNTHETIC}") or label.endswith(SYNTHETIC):
        text = f"{label}: {text}" if text else label
    return f"{text}, {options}" if options else text


def _summarised(names: Sequence[str]) -> str:
    """Many connectomes in few words; null models of one connectome count as that connectome."""
    originals = list(dict.fromkeys(name.split(NULL)[0].removesuffix(f" {SHUFFLED}") for name in names))
    synthetic = sum("synthetic" in name for name in originals)
    count = f"{len(originals)} connectomes" + (f" ({synthetic} synthetic)" if synthetic else "")
    text = count if len(originals) > 2 else " and ".join(originals)
    return text if set(names) <= set(originals) else f"{text} with null models"
