"""Lines for the console on what is missing in a study and what cannot be compared.

study_notes          the lines
differing_settings   settings that are not equal in all folders
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from randomnet.comparison.matching import VERDICT
from randomnet.comparison.study import ABSENT, TECHNICAL_SECTIONS, Study, canonical, same_option
from randomnet.comparison.verdicts import WHEN
from randomnet.results import UNBOUNDED

LISTED = 6  # at most this many items are named in a line


def study_notes(study: Study) -> Iterator[str]:
    """Console lines on missing, failed and excluded runs, and on differences between the folders."""
    labels = [label for label in study.labels if any(combo.label == label for combo in study.combos)]
    yield from (f"{label}: no combo left by --filter" for label in study.labels if label not in labels)
    for label in labels:
        runs = study.runs[study.runs["label"] == label]
        for status, text in (
            ("missing", "unfinished"),
            ("failed", "failed"),
            ("diverged", "diverged"),
            (UNBOUNDED, "unbounded, left out"),
        ):
            yield from _status_note(label, runs, runs["status"] == status, text)
        for stage, text in zip(WHEN, ("begin", "end"), strict=True):
            unbounded = runs.get(f"{VERDICT}{stage}", pd.Series("", index=runs.index)) == UNBOUNDED
            yield from _status_note(label, runs, unbounded, f"{text} unbounded, lambda_max{stage} left out")
    for label in labels:
        yield from _shared_file_note(study, label)
    if len(labels) > 1:
        for label in labels:
            yield from _matching_notes(study, label)
        yield from _difference_notes(study, labels)


def _status_note(label: str, runs: pd.DataFrame, mask: pd.Series, text: str) -> Iterator[str]:
    rows = runs[mask]
    if len(rows):
        listed = [f"combo {row.number} iteration {row.iteration}" for row in rows.itertuples()]
        yield f"{label}: {len(rows)} of {len(runs)} runs {text}: {_listing(listed)}"


def _shared_file_note(study: Study, label: str) -> Iterator[str]:
    """A line if all iterations of a combo start from one file of an earlier run, so they are not independent."""
    files: dict[Any, Any] = {}
    for entry in next(combo.loaded.manifest for combo in study.combos if combo.label == label)["combos"]:
        for upstream in (entry.get("connectome") or {}).get("upstream", []):
            files.setdefault((entry["combo"], upstream["option"]), []).append(upstream["path"])
    shared = [paths[0] for paths in files.values() if len(paths) > 1 and len(set(paths)) == 1]
    if shared:
        yield (f"{label}: all iterations of a combo start from the same file, so their spread is not over such files: "
               f"{_listing(list(dict.fromkeys(shared)))}")  # fmt: skip


def _matching_notes(study: Study, label: str) -> Iterator[str]:
    own_combos = [combo for combo in study.combos if combo.label == label]
    missing = [group.key for group in study.groups if label not in {combo.label for combo in group.combos}]
    if missing:
        yield f"{label}: has no combo with {_listing(missing)}; figures show the other folders only"
    unshared = [option for option in own_combos[0].loaded.varied if option not in study.shared]
    most = max(sum(combo.label == label for combo in group.combos) for group in study.groups)
    if unshared and most > 1:
        by = f"matched by {', '.join(study.shared)}" if study.shared else "no option is varied in all folders"
        fixed = [
            f"{combo.label} has {option}={combo.get(option)}"
            for option in unshared
            for combo in study.combos
            if combo.label != label and option not in combo.values and combo.get(option) is not ABSENT
        ]
        yield "; ".join([f"{label}: not all folders vary {', '.join(unshared)} ({by})",
                         f"up to {most} of its combos share a figure, and each is drawn and compared separately",
                         *dict.fromkeys(fixed)])  # fmt: skip


def _difference_notes(study: Study, labels: Sequence[str]) -> Iterator[str]:
    first = {label: next(combo.loaded.manifest for combo in study.combos if combo.label == label) for label in labels}
    for name, consequence in (
        ("iterations", "pairs are formed for common iterations only"),
        ("seed", "pairs are formed by iteration, but do not share random numbers"),
    ):
        values = {label: manifest.get(name) for label, manifest in first.items()}
        if len(set(map(str, values.values()))) > 1:
            yield f"{name} differ: {', '.join(f'{label} {value}' for label, value in values.items())}; {consequence}"
    data = {label: next(str(combo.task.get("source")) for combo in study.combos if combo.label == label)
            for label in labels}  # fmt: skip
    if len(set(data.values())) > 1:
        yield f"trial data differ: {', '.join(f'{label} {source}' for label, source in data.items())}"
    settings = [f"{name} ({', '.join(f'{label} {value}' for label, value in values.items())})"
                for name, values in differing_settings(study).items()]  # fmt: skip
    if settings:
        yield f"settings differ: {_listing(settings)}"
    for group in study.groups:
        losses = {combo.label: combo.loss for combo in group.combos if combo.loss}
        if len(set(losses.values())) > 1:
            names = ", ".join(f"{label} {value}" for label, value in losses.items())
            yield f"{group.key}: losses differ in kind ({names}); their values are not comparable"
            return


def differing_settings(study: Study) -> dict[str, dict[str, Any]]:
    """Scientific settings that no folder varies and that are not equal in all folders: name -> label -> value."""
    settings_of = {combo.label: combo.settings for combo in reversed(study.combos)}
    settings_of = {label: settings_of[label] for label in study.labels if label in settings_of}
    differing, is_pretrained = {}, any(settings.get("paths.pretrained") for settings in settings_of.values())
    for name in dict.fromkeys(name for settings in settings_of.values() for name in settings):
        if name.startswith("pretrainedparams.") and not is_pretrained:  # no version reads these
            continue
        values = {label: settings.get(name, "not set") for label, settings in settings_of.items()}
        is_ignored = name.startswith(TECHNICAL_SECTIONS) or any(same_option(name, option) for option in study.varied)
        if not is_ignored and len(set(map(canonical, values.values()))) > 1:
            differing[name] = values
    return differing


def _listing(texts: Sequence[str]) -> str:
    more = f", and {len(texts) - LISTED} more" if len(texts) > LISTED else ""
    return ", ".join(texts[:LISTED]) + more
