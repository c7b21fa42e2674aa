"""Which combos of a plan are those of an earlier start in the same results folder, and what differs where none is.

Each combo is looked up by its settings, so that the time grows with the number of combos and not with its square.
"""

import itertools
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from randomnet.schema.config import neutral_settings
from randomnet.settings import ConfigError

CHOOSING = tuple(f"pretrainedparams.pretrained_{name}" for name in ("combo", "epoch", "iteration"))
PRETRAINED = "paths.pretrained"
EPOCHS = "trainvalidate.epochs"
EARLIER = "earlier_combos"  # entries of a manifest: combos of earlier starts that the last start's INI lacks
MOST_COMPARED = 1000  # combos of the plan, of which the nearest to an earlier one is named in an error

Entry = Mapping[str, Any]  # of a combo in a manifest: combo, values, settings, connectome


@dataclass(frozen=True)
class Numbering:
    """The number of each combo of a plan, and the entries of earlier combos that the plan lacks.

    extended: numbers of combos whose runs ended before and are to have more epochs now, with the epochs before.
    """

    numbers: Sequence[int]
    left_out: Sequence[Entry] = ()
    extended: Mapping[int, int] = field(default_factory=dict)


def numbering_of(
    entries: Sequence[Entry], old: Mapping[str, Any] | None, root: object, extend: bool = True
) -> Numbering:
    """Return the numbers of a plan's combos: that of the earlier combo with the same settings, else the next free one.

    old: the manifest of the folder; None without one. root: the folder, for errors. extend: whether an earlier combo
    with fewer epochs is the same one. Raises ConfigError where no earlier combo is in the plan, or where one has the
    same settings and another connectome or other files.
    """
    earlier = [*old["combos"], *old.get(EARLIER, ())] if old else []
    expected = f"expected a folder for this experiment, got {root} with another one"
    advice = "; give this one another path_to_results, or move the old one aside with --fresh"
    indices: dict[bool, _Index] = {}
    numbers: dict[int, int] = {}
    left_out = []
    for combo in earlier:
        undated = _is_undated(combo)
        index = indices.get(undated) or indices.setdefault(undated, _Index(entries, undated))
        same = [place for place in index.equals(combo) if place not in numbers]
        differences = [_other_differences(combo, entries[index]) for index in same]
        if same and all(differences):
            raise ConfigError(f"{expected}: {', '.join(differences[0])}{advice}")
        if same:
            numbers[same[differences.index([])]] = combo["combo"]
        else:
            left_out.append(combo)
    extended = _extended(entries, left_out, numbers) if extend and left_out else {}
    left_out = [combo for combo in left_out if combo["combo"] not in extended]
    if earlier and not numbers:
        differences = _nearest_differences(left_out[0], entries)
        raise ConfigError(f"{expected}: {', '.join(differences)}{_cause(differences)}{advice}")
    free = itertools.count(max((combo["combo"] for combo in earlier), default=-1) + 1)
    numbered = [numbers[place] if place in numbers else next(free) for place in range(len(entries))]
    return Numbering(numbered, left_out, extended)


def _extended(entries: Sequence[Entry], earlier: Sequence[Entry], numbers: dict[int, int]) -> dict[int, int]:
    """Return the earlier combos that differ from one of the plan in fewer epochs only, with these epochs.

    Their numbers are added to `numbers`. Where the grid has several numbers of epochs, each is a combo of its own.
    """
    indices, extended = {undated: _Index(entries, undated, {EPOCHS}) for undated in (False, True)}, {}
    for combo in earlier:
        before = combo["settings"].get(EPOCHS)
        free = [place for place in indices[_is_undated(combo)].equals(combo) if place not in numbers]
        if len(free) != 1 or not isinstance(before, int):
            continue
        entry = entries[free[0]]
        in_grid = any(name.split(".")[-1] == "epochs" for each in (combo, entry) for name in each["values"])
        if not in_grid and before < entry["settings"].get(EPOCHS, 0) and not _other_differences(combo, entry):
            numbers[free[0]], extended[combo["combo"]] = combo["combo"], before
    return extended


class _Index:
    """Entries by their settings, with a dictionary for each set of options that combos read; but without `ignored`."""

    def __init__(self, entries: Sequence[Entry], undated: bool, ignored: Container[str] = ()) -> None:
        self.neutral, self.undated = neutral_settings(), undated
        self.by_names: dict[tuple[str, ...], dict[tuple, list[int]]] = {}
        for index, entry in enumerate(entries):
            names = tuple(name for name in entry["settings"]
                          if name not in ignored and not (undated and name in CHOOSING))  # fmt: skip
            by_values = self.by_names.setdefault(names, {})
            by_values.setdefault(_values(entry["settings"], names), []).append(index)

    def equals(self, old: Entry) -> list[int]:
        """Return the indices of the entries with the settings of an earlier one, in the order of the plan.

        A setting that the earlier one lacks has its neutral value. A setting that only the earlier one has makes no
        difference by itself: earlier versions recorded options that no run of the kind reads. Where the option is read
        under a condition, a setting of that condition differs too.
        """
        before = self.neutral | dict(old["settings"])
        groups = (by_values.get(_values(before, names), ()) for names, by_values in self.by_names.items())
        return sorted(index for group in groups for index in group)


def _values(settings: Mapping[str, Any], names: Iterable[str]) -> tuple:
    return tuple([_hashable(settings.get(name)) for name in names])


def _hashable(value: Any) -> Any:
    if isinstance(value, dict):
        return tuple((name, _hashable(item)) for name, item in value.items())
    return tuple(_hashable(item) for item in value) if isinstance(value, list) else value


def _is_undated(old: Entry) -> bool:
    """Return whether there is no pretrained network, or the options that choose it had an older meaning."""
    return "upstream" not in old["connectome"]


def _nearest_differences(old: Entry, entries: Sequence[Entry]) -> list[str]:
    """Return texts for the settings in which the nearest of the plan's combos differs from an earlier one."""
    return min((_setting_differences(old, entry) for entry in entries[:MOST_COMPARED]), key=len)


def _cause(differences: Sequence[str]) -> str:
    """Return which other numbers of epochs runs can have that ended, where that alone differs; else an empty text."""
    if len(differences) != 1 or not differences[0].startswith(f"{EPOCHS} "):
        return ""
    return "; epochs can be raised, without halving and with one number of epochs for all combos"


def _setting_differences(old: Entry, new: Entry) -> list[str]:
    added = {key: value for key, value in neutral_settings().items() if key in new["settings"]}
    before, now = added | dict(old["settings"]), new["settings"]
    differing = [key for key in sorted({*before, *now}) if before.get(key) != now.get(key)]
    differing = [key for key in differing if not (_is_undated(old) and key in CHOOSING)]
    return [f"{key} was {before.get(key, 'not read')!r}, is {now.get(key, 'not read')!r}" for key in differing]


def _other_differences(old: Entry, new: Entry) -> list[str]:
    """Return texts for what differs between entries of the same settings: files, else the connectome."""
    if upstream := _upstream_differences(old, new):
        return upstream
    inputs = [entry["connectome"].get("inputs", {}) for entry in (old, new)]
    if changed := [key for key in inputs[1] if inputs[0].get(key) != inputs[1][key]]:
        return [f"the file of {key} has changed" for key in changed]
    if old["connectome"].get("sha256") != new["connectome"].get("sha256"):
        return [_connectome_difference(old["connectome"], new["connectome"])]
    return []


def _upstream_differences(old: Entry, new: Entry) -> list[str]:
    """Return a text where an iteration would start from another file than the earlier runs."""
    now = new["connectome"].get("upstream", [])
    if "upstream" not in old["connectome"]:
        return _differences_from_undated(old, now)
    before = {(file["run"], file["option"]): file for file in old["connectome"]["upstream"]}
    for file in now:
        earlier = before.get((file["run"], file["option"]))
        if earlier and earlier["sha256"] != file["sha256"]:
            moved = earlier["path"] != file["path"]
            change = f"was {earlier['path']}, is {file['path']}," if moved else "has changed"
            return [f"the file of {file['option']} {change} for iteration {file['run']}"]
    return []


def _differences_from_undated(old: Entry, now: list[dict[str, Any]]) -> list[str]:
    """Return the same for manifests of versions without `upstream`.

    There, all iterations of a task started from one stored epoch, counted from 0, in the folder of the combo's number;
    runs without a task started from the last network of their own iteration.
    """
    sha256 = old["connectome"].get("inputs", {}).get(PRETRAINED)
    now = [file for file in now if file["option"] == PRETRAINED]
    epoch, iteration = (old["settings"].get(f"pretrainedparams.pretrained_{name}") for name in ("epoch", "iteration"))
    if not sha256 or not now:
        return []
    has_task = epoch is not None
    equal = all(file["sha256"] == sha256 for file in (now if has_task else now[:1]))
    if equal and (has_task or not any(file["shared"] and file["folder"] for file in now)):
        return []
    before = f"epoch {epoch + 1} of iteration {iteration} for all" if has_task else "the last of the same combo number"
    advice = f" (to go on: pretrained_epoch = {epoch + 1}, pretrained_iteration = {iteration})" if has_task else ""
    return [
        f"the network of {PRETRAINED} was {before}, by an older meaning of the options, is {now[0]['path']}{advice}"
    ]


def _connectome_difference(old: Entry, new: Entry) -> str:
    """Return why a network has another checksum: another version's partition or reading of files, or another file."""
    if new.get("partition") and "partition" not in old and old.get("rand_partition"):
        return (
            f"net.rand_partition breaks the weights of {new['name']} as bio2art does ({new['partition']}) since "
            "version 0.2.0, and made other networks before"
        )
    if "contents" in new and "contents" not in old and new["files"] == old.get("files"):
        return (
            f"the files of {new['name']} are the same, but this version uses more of them, such as signs and types of "
            f"synapses (--describe lists it): {new['edges']:,} edges and {new['inhibitory']:,} inhibitory neurons, not "
            f"{old['edges']:,} and {old['inhibitory']:,}"
        )
    return f"the connectome {new['name']} has changed (sha256 {new['sha256']})"
