"""Lines for the console on what is missing in a study and what cannot be compared."""

from collections.abc import Iterator, Sequence

import pandas as pd

from randomnet.comparison.matching import VERDICT
from randomnet.comparison.study import ABSENT, ASIDE, Study, canonical, same_option
from randomnet.comparison.verdicts import WHEN
from randomnet.results import UNBOUNDED

LISTED = 6  # so many are named in a line about missing ones


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
    files = {}
    for entry in next(combo.loaded.manifest for combo in study.combos if combo.label == label)["combos"]:
        for one in (entry.get("connectome") or {}).get("upstream", []):
            files.setdefault((entry["combo"], one["option"]), []).append(one["path"])
    shared = [paths[0] for paths in files.values() if len(paths) > 1 and len(set(paths)) == 1]
    if shared:
        yield (f"{label}: all iterations of a combo start from one file, and their spread is not one over such files: "
               f"{_listing(list(dict.fromkeys(shared)))}")  # fmt: skip


def _said_of_matching(study: Study, label: str) -> Iterator[str]:
    mine = [combo for combo in study.combos if combo.label == label]
    lacking = [group.key for group in study.groups if label not in {combo.label for combo in group.combos}]
    if lacking:
        yield f"{label}: has nothing for {_listing(lacking)}; what other folders have there is drawn without it"
    own = [option for option in mine[0].loaded.varied if option not in study.shared]
    most = max(sum(combo.label == label for combo in group.combos) for group in study.groups)
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
    for group in study.groups:
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
        aside = name.startswith(ASIDE) or any(same_option(name, option) for option in study.varied)
        if not aside and len(set(map(canonical, values.values()))) > 1:
            texts.append(f"{name} ({', '.join(f'{label} {value}' for label, value in values.items())})")
    return texts


def _listing(texts: Sequence[str]) -> str:
    more = f", and {len(texts) - LISTED} more" if len(texts) > LISTED else ""
    return ", ".join(texts[:LISTED]) + more
