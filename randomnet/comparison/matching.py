"""Which combos of several results folders belong together.

    read_combos     the combos of a folder, with every option's value
    keep            those that --filter asks for
    match           groups of equal values of the options that all folders vary
    table_of_runs   one row per run of all of them
    value_pairs     the runs of an option's reference value with those of each other value
    notes           in words, what is missing and what does not compare
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from randomnet.comparison.minima import with_minima
from randomnet.comparison.networks import CONNECTOME, NETWORK, with_connectomes
from randomnet.comparison.verdicts import OF_SPECTRA, WHEN
from randomnet.renamed_options import current_option
from randomnet.results import LEFT_OUT, UNBOUNDED, Loaded, ResultsError, load
from randomnet.settings import nearest

ABSENT = object()
ALL = "all runs"  # the name of a combo where nothing is varied
SYNTHETIC = "(synthetic)"
LISTED = 6  # so many are named in a line about missing ones
SHUFFLED = "shuffled"
NULL = " null: "
LOSS = "trainvalidate.loss"
TASK = "trialparams.task_name"
REFERENCES = {"null": "none", "random_w": False}  # options of which every other value is a control of this one
VERDICT = "verdict"  # on a spectrum; of a training verdict_initial and verdict_final
CONVERGED = tuple(f"converged{when}" for when in WHEN)
ASIDE = ("experiment.", "paths.", "execution.")  # sections that say nothing of the science; seeds have their own line


@dataclass(frozen=True)
class Combo:
    """One combo of one results folder; `place` is the folder's number and so its colour."""

    label: str
    place: int
    number: int
    values: Mapping[str, Any]
    settings: Mapping[str, Any]
    connectome: str
    loaded: Loaded
    task: Mapping[str, Any] = field(default_factory=dict)  # of a working-memory experiment: name, source, synthetic

    @property
    def loss(self) -> str:
        """What is minimised: the name of the loss, or of the task where the task is the loss; empty if unknown."""
        loss = self.get(LOSS)
        loss = self.get(TASK) if "task" in str(loss).casefold() else loss  # losses shown are the task's own part
        return "" if loss is ABSENT else str(loss)

    @property
    def record(self) -> Mapping[str, Any]:
        """What the manifest says of its connectome; empty where that is nothing."""
        entries = self.loaded.manifest["combos"]
        return next((entry.get("connectome") or {} for entry in entries if entry["combo"] == self.number), {})

    def get(self, option: str) -> Any:
        """The value of an option, by its full or its short name, gridded or not; ABSENT where none or several are."""
        for source in (self.values, self.settings):
            names = [option] if option in source else [name for name in source if _same_option(name, option)]
            if names:
                return source[names[0]] if len(names) == 1 else ABSENT
        return ABSENT


class Matched(NamedTuple):
    """The combos, of all folders, that have the same values of the shared options."""

    key: str  # for the table: lr=0.1, nle=5%
    title: str  # for people: lr = 0.1, nle = 5%
    combos: list[Combo]


@dataclass(frozen=True)
class Study:
    """All that was asked for, in memory.

    shared:  the options that all folders vary; varied: those that any does.
    runs:    one row per planned run, see table_of_runs.
    labels:  of all folders, also of those of which no combo is left.
    """

    matched: list[Matched]
    shared: tuple[str, ...]
    varied: tuple[str, ...]
    runs: pd.DataFrame
    labels: tuple[str, ...]

    @property
    def combos(self) -> list[Combo]:
        """Of all folders."""
        return [combo for match in self.matched for combo in match.combos]


def read_combos(folder: Path, label: str, place: int) -> list[Combo]:
    """All combos of a results folder; ResultsError, in one line, where it is none."""
    try:
        loaded = load(folder)
        loaded = replace(loaded, table=with_connectomes(loaded.root, loaded.table))
        loaded = replace(loaded, table=with_minima(loaded.table, loaded.history))
        return [
            Combo(label, place, combo["combo"], combo["values"], settings := combo.get("settings", {}),
                  connectome_text(record := combo.get("connectome") or {}, settings), loaded, task_of(record, settings))
            for combo in loaded.manifest["combos"]
        ]  # fmt: skip
    except ResultsError:
        raise
    except (KeyError, TypeError, AttributeError) as error:
        problem = f"{type(error).__name__} {error}"
        raise ResultsError(f"{folder}/manifest.json: expected RandomNet's layout, got {problem}") from None
    except (ValueError, OSError) as error:
        raise ResultsError(f"{folder}: cannot be read: {' '.join(str(error).split())}") from None


def keep(combos: Sequence[Combo], filters: Sequence[str]) -> list[Combo]:
    """The combos whose options have the values asked for: any of one option's, and all options'."""
    known = [name for combo in combos for name in (*combo.values, *combo.settings)]
    known = list(dict.fromkeys([*(name.split(".")[-1] for name in known), *known]))
    wanted: dict[str, list[str]] = {}
    for text in filters:
        option, value = text.split("=", 1)
        wanted.setdefault(option if option in known else current_option(option), []).append(value)
    for option in wanted:
        if option not in known:
            raise ResultsError(
                f"--filter: expected an option such as {', '.join(known[:8])}, got {option!r}{nearest(option, known)}"
            )
        full = [name for name in known if "." in name and _same_option(name, option)]
        if len(full) > 1 and not any(option in combo.values for combo in combos):
            raise ResultsError(f"--filter: expected a unique option, got {option!r}, which is {' or '.join(full)}")
    left = [combo for combo in combos
            if all(canonical(combo.get(option)) in map(canonical, values) for option, values in wanted.items())]
    if not left:
        has = "; ".join(f"{option} has {', '.join(distinct(combos, option))}" for option in wanted)
        raise ResultsError(f"--filter {' '.join(filters)}: no combo left" + (f" ({has})" if has else ""))
    return left


def canonical(value: Any) -> Any:
    """What two values must agree in to be the same: 0.1, "0.10" and 1e-1 are, and so are True and "true"."""
    text = str(value).strip()
    if text.casefold() in ("true", "false"):
        return text.casefold()
    try:
        return ("%", float(text[:-1])) if text.endswith("%") else float(text)
    except ValueError:
        return text


def match(combos: Sequence[Combo], metrics: Sequence[str], labels: Sequence[str]) -> Study:
    """Group combos of equal values of the options that all folders vary, and tabulate their runs."""
    varied = {combo.label: combo.loaded.varied for combo in combos}
    union = tuple(dict.fromkeys(option for options in varied.values() for option in options))
    shared = tuple(option for option in union if all(option in options for options in varied.values()))
    groups: dict[tuple, list[Combo]] = {}
    for combo in combos:
        groups.setdefault(tuple(canonical(combo.values.get(option)) for option in shared), []).append(combo)
    matched = [Matched(combo_text(group[0], shared), title_text(group, shared), group) for group in groups.values()]
    return Study(matched, shared, union, table_of_runs(matched, shared, metrics), tuple(labels))


def table_of_runs(matched: Sequence[Matched], shared: Sequence[str], metrics: Sequence[str]) -> pd.DataFrame:
    """One row per planned run: label, combo, own, iteration, status, the shared options, the metrics, and what
    is known of networks and verdicts.

    Exponents of a network that grows without bound before or after training are growth rates, and left out: nan.
    """
    parts = []
    for group in matched:
        for combo in group.combos:
            rows = combo.loaded.table[combo.loaded.table["combo"] == combo.number]
            numbers = {name: pd.to_numeric(rows[name], errors="coerce") for name in metrics if name in rows}
            numbers |= _without_growth_rates(rows, numbers)
            texts = (NETWORK, CONNECTOME, VERDICT, *(f"{VERDICT}{when}" for when in WHEN), *CONVERGED)
            known = {name: rows[name] for name in texts if name in rows}
            head = {"label": combo.label, "combo": group.key, "own": own_text(combo, shared), "number": combo.number}
            options = {option: group.combos[0].values.get(option) for option in shared}
            parts.append(rows[["iteration", "status"]].assign(**head, **options, **numbers, **known))
    runs = pd.concat(parts, ignore_index=True)
    return runs.reindex(columns=list(dict.fromkeys([*runs.columns, *metrics])))


def _without_growth_rates(rows: pd.DataFrame, numbers: Mapping[str, pd.Series]) -> dict[str, pd.Series]:
    """The exponents before and after training, nan where that network's growth is unbounded, or its spectrum lost."""
    masked = {}
    for when in WHEN:
        verdicts = rows.get(f"{VERDICT}{when}")
        for name in (f"{metric}{when}" for metric in OF_SPECTRA if verdicts is not None):
            if name in numbers:
                masked[name] = numbers[name].mask(verdicts.isin(LEFT_OUT))
    return masked


def value_pairs(study: Study) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """The runs of the reference and those of another value, of each folder and option of REFERENCES that it varies.

    As table_of_tests takes them: combo is the text of all other options of the folder, and own that of this one.
    """
    for label in dict.fromkeys(combo.label for combo in study.combos):
        combos = [combo for combo in study.combos if combo.label == label]
        for name, reference in REFERENCES.items():
            for option in (option for option in combos[0].values if _same_option(option, name)):
                sets = _by_value(study, combos, option)
                base = sets.pop(canonical(reference), None)
                yield from ((base, other) for other in sets.values() if base is not None)


def _by_value(study: Study, combos: Sequence[Combo], option: str) -> dict[Any, pd.DataFrame]:
    """The runs of one folder's combos by the value of one option."""
    runs = study.runs[study.runs["label"] == combos[0].label]
    rest = [name for name in combos[0].values if name != option]
    combo = runs["number"].map({combo.number: combo_text(combo, rest) for combo in combos})
    own = runs["number"].map({combo.number: combo_text(combo, [option]) for combo in combos})
    runs = runs.assign(combo=combo, own=own, **({option: None} if option in study.shared else {}))
    sets: dict[Any, list[int]] = {}
    for one in sorted(combos, key=lambda one: one.number):
        sets.setdefault(canonical(one.values[option]), []).append(one.number)
    return {value: runs[runs["number"].isin(numbers)] for value, numbers in sets.items()}


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


def titled(combos: Sequence[Combo], title: str) -> str:
    """The title, after the task where there is one."""
    return ": ".join(filter(None, [task_text(combos), title]))


def own_task(every: Sequence[Combo], combos: Sequence[Combo]) -> str:
    """The task of these combos for the legend; empty where all folders have the same."""
    texts = {task_text([combo for combo in every if combo.label == label]) for label in {c.label for c in every}}
    return task_text(combos) if len(texts) > 1 else ""


def group_names(combos: Sequence[Combo], option: str) -> dict[Any, str]:
    """The values of an option in their order, by what makes them equal, as people read them."""
    order = [canonical(text) for text in distinct(combos, option)]
    same = {key: [combo for combo in combos if canonical(combo.get(option)) == key] for key in order}
    return {key: max((value_text(combo, option) for combo in group), key=len) for key, group in same.items()}


def _same_option(one: str, other: str) -> bool:
    """Whether two names are one option, of which one is given without its section."""
    return one.split(".")[-1] == other.split(".")[-1] and (one == other or "." not in one or "." not in other)


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


def own_text(combo: Combo, shared: Sequence[str]) -> str:
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


def notes(study: Study) -> Iterator[str]:
    """A line for everything that is not as the reader of the figures would expect."""
    labels = [label for label in study.labels if any(combo.label == label for combo in study.combos)]
    yield from (f"{label}: no combo left by --filter" for label in study.labels if label not in labels)
    for label in labels:
        runs = study.runs[study.runs["label"] == label]
        for status, said in (("missing", "unfinished"), ("failed", "failed"), ("diverged", "diverged"),
                             (UNBOUNDED, "unbounded, left out")):
            yield from _said_of_runs(label, runs, runs["status"] == status, said)
        for when, said in zip(WHEN, ("begin", "end"), strict=True):
            unbounded = runs.get(f"{VERDICT}{when}", pd.Series("", index=runs.index)) == UNBOUNDED
            yield from _said_of_runs(label, runs, unbounded, f"{said} unbounded, lambda_max{when} left out")
    for label in labels:
        yield from _said_of_sharing(study, label)
    if len(labels) > 1:
        for label in labels:
            yield from _said_of_matching(study, label)
        yield from _said_of_differences(study, labels)


def _said_of_runs(label: str, runs: pd.DataFrame, which: pd.Series, said: str) -> Iterator[str]:
    rows = runs[which]
    if len(rows):
        listed = [f"combo {row.number} iteration {row.iteration}" for row in rows.itertuples()]
        yield f"{label}: {len(rows)} of {len(runs)} runs {said}: {_listing(listed)}"


def _said_of_sharing(study: Study, label: str) -> Iterator[str]:
    """Whether iterations start from one file of an earlier run, so that they are no repeats of that."""
    files: dict[Any, Any] = {}
    for entry in next(combo.loaded.manifest for combo in study.combos if combo.label == label)["combos"]:
        for one in (entry.get("connectome") or {}).get("upstream", []):
            files.setdefault((entry["combo"], one["option"]), []).append(one["path"])
    shared = [paths[0] for paths in files.values() if len(paths) > 1 and len(set(paths)) == 1]
    if shared:
        yield (f"{label}: all iterations of a combo start from one file, and their spread is not one over such files: "
               f"{_listing(list(dict.fromkeys(shared)))}")  # fmt: skip


def _said_of_matching(study: Study, label: str) -> Iterator[str]:
    mine = [combo for combo in study.combos if combo.label == label]
    lacking = [group.key for group in study.matched if label not in {combo.label for combo in group.combos}]
    if lacking:
        yield f"{label}: has nothing for {_listing(lacking)}; what other folders have there is drawn without it"
    own = [option for option in mine[0].loaded.varied if option not in study.shared]
    most = max(sum(combo.label == label for combo in group.combos) for group in study.matched)
    if own and most > 1:
        by = f"matched by {', '.join(study.shared)}" if study.shared else "no option is varied in all folders"
        fixed = [f"{combo.label} has {option}={combo.get(option)}" for option in own for combo in study.combos
                 if combo.label != label and option not in combo.values and combo.get(option) is not ABSENT]
        yield "; ".join([f"{label}: not all folders vary {', '.join(own)} ({by})",
                         f"up to {most} of its combos share a figure, each drawn and compared on its own",
                         *dict.fromkeys(fixed)])  # fmt: skip


def _said_of_differences(study: Study, labels: Sequence[str]) -> Iterator[str]:
    first = {label: next(combo.loaded.manifest for combo in study.combos if combo.label == label) for label in labels}
    for name, consequence in (("iterations", "only those that both have are pairs"),
                              ("seed", "pairs are by iteration all the same, but not of the same random numbers")):
        found = {label: manifest.get(name) for label, manifest in first.items()}
        if len(set(map(str, found.values()))) > 1:
            yield f"{name} differ: {', '.join(f'{label} {value}' for label, value in found.items())}; {consequence}"
    data = {label: next(str(combo.task.get("source")) for combo in study.combos if combo.label == label)
            for label in labels}  # fmt: skip
    if len(set(data.values())) > 1:
        yield f"data of the trials differ: {', '.join(f'{label} {source}' for label, source in data.items())}"
    differing = _differing(study, labels)
    if differing:
        yield f"settings differ: {_listing(differing)}"
    for group in study.matched:
        losses = {combo.label: combo.loss for combo in group.combos if combo.loss}
        if len(set(losses.values())) > 1:
            said = ", ".join(f"{label} {value}" for label, value in losses.items())
            yield f"{group.key}: losses differ in kind ({said}); their values are not comparable"
            return


def _differing(study: Study, labels: Sequence[str]) -> list[str]:
    """The settings of the science that no folder varies and that are not the same in all."""
    one = {label: next(combo.settings for combo in study.combos if combo.label == label) for label in labels}
    texts, started = [], any(settings.get("paths.pretrained") for settings in one.values())
    for name in dict.fromkeys(name for settings in one.values() for name in settings):
        if name.startswith("pretrainedparams.") and not started:  # read by none, whatever version wrote it
            continue
        values = {label: settings.get(name, "not set") for label, settings in one.items()}
        aside = name.startswith(ASIDE) or any(_same_option(name, option) for option in study.varied)
        if not aside and len(set(map(canonical, values.values()))) > 1:
            texts.append(f"{name} ({', '.join(f'{label} {value}' for label, value in values.items())})")
    return texts


def _listing(texts: Sequence[str]) -> str:
    more = f", and {len(texts) - LISTED} more" if len(texts) > LISTED else ""
    return ", ".join(texts[:LISTED]) + more


def distinct(combos: Sequence[Combo], option: str) -> list[str]:
    """The different values of an option: numbers in their order, then texts as the grids list them."""
    found = {canonical(value): str(value) for combo in combos if (value := combo.get(option)) is not ABSENT}
    texts = [key for key in found if isinstance(key, str)]
    numbers = sorted(set(found) - set(texts), key=lambda key: (str(type(key)), key))  # shares have keys of their own
    return [found[key] for key in (*numbers, *texts)]
