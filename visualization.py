"""Compare results folders: figures, and a table of paired differences.

    python visualization.py --results_folders A B --results_labels bio rand --save_figs figs

Combos are matched across folders by the values of the options that all folders vary. What a folder varies alone is
drawn and compared on its own, never mixed. Folders that are unfinished, failed or diverged in part are drawn as far as
they go, and the console says what is missing. Where combos are pooled, the title says over what. To give a kind of
experiment its figures, add its row to FIGURES.
"""

import argparse
import os
import re
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from randomnet import plotting, results
from randomnet.comparison import matching, statistics
from randomnet.comparison.matching import Combo, Matched, Study, canonical, distinct
from randomnet.comparison.minima import MINIMA
from randomnet.config import nearest
from randomnet.plotting import Panel, Series

NATS = "loss: negative log-\nlikelihood (nats)"
LOSSES = {  # by the name of the loss, or of the task that is the loss
    "mse": "loss: mean squared\ndifference from target (1/τ²)",
    "l2": "loss: Euclidean\ndistance from target (1/τ)",
    "sinai": "loss: minus the entropy rate\nh$_\\mathrm{KS}$ (1/τ)",
    "seq_mem": "loss: mean squared\nerror of recall (MSE)",
    "nback_mem": NATS,
    "pic_latent_mem": NATS,
    "pic_mem": NATS,
}
LAMBDA = "largest Lyapunov exponent\nλ$_\\mathrm{max}$ (1/τ)"
CHANCE = 50.0  # %, of match against non-match in equal numbers
Figures = Iterator[tuple[str, Figure]]  # each with the name of its file


class BadInput(ValueError):
    """What the user asked for cannot be done; the text is one line."""


def say(text: str) -> None:
    """Print; who stops reading, as `head` does, misses the rest, and the figures are written all the same."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        raise BadInput(message)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line, checked as far as it can be without the folders; BadInput otherwise."""
    parser = _Parser(prog="visualization.py", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    add = parser.add_argument
    add("--results_folders", nargs="+", required=True, type=Path, metavar="DIR", help="results folders to compare")
    add("--results_labels", nargs="+", metavar="TEXT", help="a name for each (default: the folders' names)")
    add("--save_figs", required=True, type=Path, metavar="DIR", help="where to write; made if missing")
    add("--ylabel", metavar="TEXT", help="label of the loss axes (default: what the loss is, with its unit)")
    add("--format", nargs="+", default=["png"], metavar="FORMAT", help=f"of {', '.join(plotting.FORMATS)} (png)")
    add("--filter", nargs="+", default=[], metavar="OPTION=VALUE", action="extend",
        help="only these combos; one option with several values keeps all of them")  # fmt: skip
    asked = parser.parse_args(arguments)
    labels = asked.results_labels or [folder.resolve().name for folder in asked.results_folders]
    if len(labels) != len(asked.results_folders):
        raise BadInput(f"--results_labels: expected {len(asked.results_folders)} labels, one per folder, "
                       f"got {len(labels)}")  # fmt: skip
    twice = [label for label in dict.fromkeys(labels) if labels.count(label) > 1]
    if twice:
        raise BadInput(f"--results_labels: expected unique labels, got {twice[0]!r} {labels.count(twice[0])} times")
    for name in asked.format:
        if name not in plotting.FORMATS:
            near = nearest(name, plotting.FORMATS)
            raise BadInput(f"--format: expected of {', '.join(plotting.FORMATS)}, got {name!r}{near}")
    for text in asked.filter:
        if not re.match(r"[^=\s]+=", text):
            raise BadInput(f"--filter: expected OPTION=VALUE, got {text!r}")
    try:
        plotting.check_text(asked.ylabel or "")
    except ValueError as error:
        raise BadInput(f"--ylabel: {error}") from None
    asked.results_labels = labels
    return asked


def _loss_label(ylabel: str | None, combos: Sequence[Combo]) -> str:
    names = list(dict.fromkeys(combo.loss for combo in combos if combo.loss))
    labels = list(dict.fromkeys(LOSSES.get(name.casefold(), f"loss ({name})".replace("$", r"\$")) for name in names))
    if ylabel:
        return ylabel
    if len(labels) > 1:
        return f"loss ({' and '.join(names)}: not the same quantity)".replace("$", r"\$")
    return labels[0] if labels else "loss"


def _stem(what: str, group: Matched) -> str:
    return what if group.key == matching.ALL else f"{what}_{group.key}"


def _series(study: Study, group: Matched, dashed: bool = True) -> dict[tuple[str, int], Series]:
    """A colour for each folder, and a dash for each of its combos in this figure, by (label, number).

    dashed: whether the dash may tell combos apart; if not, each has its own colour where a folder has several.
    """
    found: dict[tuple[str, int], Series] = {}
    several = len({combo.label for combo in group.combos}) < len(group.combos)
    for number, combo in enumerate(group.combos):
        own = [matching.own_text(combo, study.shared), matching.own_task(study.combos, [combo])]
        text = matching.legend_text(combo.label, [combo.connectome], ", ".join(filter(None, own)))
        dash = sum(label == combo.label for label, _ in found)
        look = (combo.place, dash) if dashed else (number if several else combo.place, 0)
        found[combo.label, combo.number] = Series(text, *look)
    return found


def _pooled_series(study: Study, combos: Sequence[Combo]) -> dict[str, Series]:
    names: dict[str, list[Combo]] = {}
    for combo in combos:
        names.setdefault(combo.label, []).append(combo)
    found = {}
    for label, own in sorted(names.items(), key=lambda item: item[1][0].place):
        task = matching.own_task(study.combos, own)
        found[label] = Series(matching.legend_text(label, [combo.connectome for combo in own], task), own[0].place)
    return found


def curve_figures(study: Study, ylabel: str | None) -> Figures:
    """Loss, accuracy and largest exponent over epochs, as far as there are, a figure per combo."""
    for group in study.matched:
        validated = any("validate_loss" in combo.loaded.history for combo in group.combos)
        series = _series(study, group, dashed=not validated)
        parts = []
        for combo in group.combos:
            history = combo.loaded.history
            if history.empty or not {"epoch", "train_loss"} <= set(history.columns):
                continue
            rows = history[history["combo"] == combo.number]
            status = combo.loaded.table.query("combo == @combo.number").set_index("iteration")["status"]
            parts.append(rows.assign(series=series[combo.label, combo.number].text, run=rows["iteration"],
                                     status=rows["iteration"].map(status)))  # fmt: skip
        history = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
        if not history.empty:
            label = _loss_label(ylabel, group.combos)
            panels = [Panel("validate_loss", label, training="train_loss") if validated else Panel("train_loss", label),
                      Panel("validate_metrics", "accuracy (%)", training="train_metrics", chance=CHANCE),
                      Panel("lambda_max", LAMBDA, zero=True)]  # fmt: skip
            panels = [panel for panel in panels if panel.column in history]
            looks, title = list(series.values()), matching.titled(group.combos, group.title)
            yield _stem("loss", group), plotting.curves(history, panels, looks, title)


def array_figures(study: Study, ylabel: str | None) -> Figures:
    """Spectra, and distributions of what was trained, before and after, two figures per combo."""
    for group in study.matched:
        arrays = {(combo.label, combo.number): list(_arrays(combo)) for combo in group.combos}
        series = _series(study, group)
        yield from _spectra(group, arrays, series)
        yield from _distributions(group, arrays, series)


def _arrays(combo: Combo) -> Iterator[dict[str, np.ndarray]]:
    """The arrays of the runs that did not diverge: what is left of those is no result."""
    rows = combo.loaded.table[combo.loaded.table["combo"] == combo.number]
    for iteration in rows.loc[rows["status"] != results.DIVERGED, "iteration"]:
        try:
            yield combo.loaded.arrays(combo.number, iteration)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            say(f"{combo.label}: arrays of combo {combo.number} iteration {iteration} cannot be read: {error}")


def _spectra(group: Matched, arrays: Mapping[Any, list], series: Mapping[Any, Series]) -> Figures:
    before, after, targets = {}, {}, {}
    for key, one in series.items():
        for when, found in (("initial", before), ("final", after)):
            name = f"spectrum_{when}"
            runs = [run for run in arrays[key] if name in run and run[name].ndim == 1 and run[name].size]
            if runs:
                found[one.text] = [(run[name], run.get(f"{name}_stderr", np.full(run[name].shape, np.nan)),
                                    run.get("state_initial", run[name]).size) for run in runs]  # fmt: skip
        aims = [run["target"] for run in arrays[key] if "target" in run and run["target"].size]
        if aims:
            targets[one.text] = np.ravel(aims[0])
    if before or after:
        title = matching.titled(group.combos, group.title)
        yield _stem("spectra", group), plotting.spectra(before, after, targets, list(series.values()), title)


def _distributions(group: Matched, arrays: Mapping[Any, list], series: Mapping[Any, Series]) -> Figures:
    found = {}
    for name in ("gains", "shifts", "weights"):
        names = (f"{name}_initial", f"{name}_final")
        runs = {one.text: [run for run in arrays[key] if all(part in run for part in names)]
                for key, one in series.items()}  # fmt: skip
        pairs = {text: tuple(np.concatenate([np.ravel(run[part]) for run in some]) for part in names)
                 for text, some in runs.items() if some}  # fmt: skip
        # What was not trained has not changed, and there is nothing to compare.
        if any(not np.array_equal(*pair, equal_nan=True) for pair in pairs.values()):
            found[name] = pairs
    if found:
        title = matching.titled(group.combos, group.title)
        yield _stem("parameters", group), plotting.distributions(found, list(series.values()), title)


def end_dots(study: Study, ylabel: str | None, column: str, label: str | None = None, **look: Any) -> Figures:
    """A quantity of the whole run, by label and by every gridded option; `label` None is the loss's."""
    panel = Panel(column, label or _loss_label(ylabel, study.combos), **look)
    said = "after training" if column.endswith("_final") else ""
    yield from _pooled_dots(study, study.matched, column, [panel], said)


def radius_dots(study: Study, ylabel: str | None) -> Figures:
    """Spectral radius before and after training, by label and by every gridded option."""
    panels = [Panel(f"spectral_radius_{when}", f"spectral radius\n{said} training")
              for when, said in (("initial", "before"), ("final", "after"))]  # fmt: skip
    yield from _pooled_dots(study, study.matched, "spectral_radius", panels)


def minimum_boxes(study: Study, ylabel: str | None) -> Figures:
    """Lowest loss, its epoch and that of 99 % of it: per combo, and pooled over the combos that all folders have."""
    which = "validation" if any("validate_loss" in combo.loaded.history for combo in study.combos) else "training"
    panels = [Panel("loss_minimum", ylabel or f"minimum {which}\n" + _loss_label(None, study.combos)),
              Panel("epoch_minimum", f"epoch of the minimum\n{which} loss", whole=True),
              Panel("epoch_99", "first epoch within 1 % of the\nrange above the minimum", whole=True)]  # fmt: skip
    labels = {combo.label for combo in study.combos}
    common = [group for group in study.matched if {combo.label for combo in group.combos} == labels]
    for group in study.matched if len(study.matched) > 1 else []:
        series = _series(study, group)
        runs = _ended(study, series)
        shown = [panel for panel in panels if np.isfinite(runs[panel.column].astype(float)).any()]
        if shown:
            title, looks = matching.titled(group.combos, group.title), list(series.values())
            runs, texts = runs.assign(group=runs["series"]), [one.text for one in looks]
            yield _stem("minimum", group), plotting.dots(runs, shown, looks, texts, title=title, boxes=True)
    lacking = len(study.matched) - len(common)
    said = f"without {lacking} of {len(study.matched)} combos, which not all folders have" if lacking else ""
    yield from _pooled_dots(study, common, "minimum", panels, said, boxes=True)


def _ended(study: Study, series: Mapping[tuple[str, int], Series]) -> pd.DataFrame:
    """The runs that ended, of these combos, each with the text of its series."""
    texts = [series[key].text if key in series else None
             for key in zip(study.runs["label"], study.runs["number"], strict=True)]  # fmt: skip
    runs = study.runs.assign(series=texts)
    return runs[runs["status"].isin([results.COMPLETE, results.DIVERGED]) & runs["series"].notna()]


def _pooled_dots(
    study: Study, groups: Sequence[Matched], stem: str, panels: Sequence[Panel], said: str = "", boxes: bool = False
) -> Figures:
    """Runs by label, with all combos of these groups pooled, and by every option whose values differ among them."""
    combos = [combo for group in groups for combo in group.combos]
    series = _pooled_series(study, combos)
    runs = _ended(study, {(combo.label, combo.number): series[combo.label] for combo in combos})
    panels = [panel for panel in panels if np.isfinite(runs[panel.column].astype(float)).any()]
    if not panels:
        return
    looks = list(series.values())
    texts = [one.text for one in looks]
    pooled = [option for option in study.varied if len(distinct(combos, option)) > 1]

    def title(options: Sequence[str]) -> str:
        together = f"all values of {' and '.join(options)} together" if options else ""
        return matching.titled(combos, ", ".join(filter(None, [said, together])))

    shown = runs.assign(group=runs["series"])
    yield f"{stem}_by_label", plotting.dots(shown, panels, looks, texts, title=title(pooled), boxes=boxes)
    for option in pooled:
        names = matching.group_names(combos, option)
        values = {(combo.label, combo.number): canonical(combo.get(option)) for combo in combos}
        keys = zip(runs["label"], runs["number"], strict=True)
        shown = runs.assign(group=[names.get(values[key]) for key in keys])
        rest = title([other for other in pooled if other != option])
        yield f"{stem}_by_{option}", plotting.dots(shown, panels, looks, list(names.values()), xlabel=option,
                                                   title=rest, boxes=boxes)  # fmt: skip


class Kind(NamedTuple):
    """What is compared, printed and drawn for one kind of experiment; each figure function makes any number of them."""

    metrics: tuple[str, ...]
    overview: tuple[str, ...]
    figures: tuple[Callable[[Study, str | None], Figures], ...]


RADII = ("spectral_radius_initial", "spectral_radius_final")
ON_SPECTRUM, ON_TASK = "train on a spectrum", "train on a task"  # both are kind = train
FIGURES = {
    ON_SPECTRUM: Kind(
        metrics=("loss_initial", "loss_final", "loss_best", "epoch_best", "epoch_99", "lambda_max_initial",
                 "lambda_max_final", "n_positive_initial", "n_positive_final", "D_KY_initial", "D_KY_final",
                 "h_KS_initial", "h_KS_final", *RADII, "seconds"),
        overview=("loss_initial", "loss_final", "lambda_max_initial", "lambda_max_final"),
        figures=(
            curve_figures,
            array_figures,
            partial(end_dots, column="loss_final"),
            partial(end_dots, column="lambda_max_final", label=LAMBDA, zero=True),
        ),
    ),
    ON_TASK: Kind(
        metrics=("loss_initial", "loss_final", "validate_loss_initial", "validate_loss_final", *MINIMA,
                 "validate_metrics_final", "validate_metrics_best", *RADII, "lambda_max_initial", "lambda_max_final",
                 "seconds"),
        overview=(*MINIMA, "validate_metrics_best", *RADII, "lambda_max_initial", "lambda_max_final"),
        figures=(
            curve_figures,
            array_figures,
            minimum_boxes,
            partial(end_dots, column="validate_metrics_best", label="best validation accuracy (%)", chance=CHANCE),
            radius_dots,
            partial(end_dots, column="lambda_max_final", label=LAMBDA, zero=True),
        ),
    ),
}  # fmt: skip


def gather(asked: argparse.Namespace) -> tuple[Study, Kind]:
    """Read all folders and match their combos; BadInput or ResultsError before anything is written."""
    pairs = zip(asked.results_folders, asked.results_labels, strict=True)
    combos = [one for place, (root, label) in enumerate(pairs) for one in matching.read_combos(root, label, place)]
    kinds: dict[str, list[str]] = {}
    for combo in combos:
        kind = str(combo.loaded.manifest.get("kind"))
        kind = (ON_TASK if combo.task else ON_SPECTRUM) if kind == "train" else kind
        kinds.setdefault(kind, []).append(combo.label)
    if len(kinds) != 1 or not set(kinds) <= set(FIGURES):
        got = ", ".join(f"{kind} ({' and '.join(dict.fromkeys(labels))})" for kind, labels in kinds.items())
        raise BadInput(f"--results_folders: expected folders of one kind, of {', '.join(FIGURES)}, "
                       f"got {got or 'no combos'}")  # fmt: skip
    combos = matching.keep(combos, asked.filter)
    losses = {name: LOSSES.get(name, name).removeprefix("loss: ").replace("-\n", "-").replace("\n", " ")
              for name in (str(combo.task["name"]) for combo in combos if combo.task)}  # fmt: skip
    if len(set(losses.values())) > 1:
        got = ", ".join(f"{name} ({loss})" for name, loss in losses.items())
        raise BadInput(f"--results_folders: expected tasks of one kind of loss, got {got}; choose one, for example by "
                       f"--filter task_name={next(iter(losses))}")  # fmt: skip
    kind = FIGURES[next(iter(kinds))]
    return matching.match(combos, kind.metrics, asked.results_labels), kind


def make_folder(path: Path) -> None:
    """Make `path` and make sure that files can be written there."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise BadInput(f"--save_figs {path}: expected a folder to write to, got: {error.strerror or error}") from None


def file_names(stem: str, taken: set[str]) -> str:
    """`stem` as a readable file name that is safe everywhere and not yet in `taken`, which it joins."""
    safe = re.sub(r"[^\w=.+-]+", "-", stem.replace("%", "pct").replace(", ", "_")).strip("-.")[:120]
    # Some file systems do not tell upper from lower case.
    free = next(name for name in (safe, *(f"{safe}-{i}" for i in range(2, 10_000))) if name.casefold() not in taken)
    taken.add(free.casefold())
    return free


def write(study: Study, kind: Kind, ylabel: str | None, folder: Path, formats: Sequence[str]) -> list[Path]:
    """Draw and write everything; the paths, the table last."""
    written: list[Path] = []
    taken: set[str] = set()
    for draw in kind.figures:
        for stem, figure in draw(study, ylabel):
            name = file_names(stem, taken)
            for fmt in dict.fromkeys(formats):
                written.append(folder / f"{name}.{fmt}")
                results.write_bytes(written[-1], plotting.render(figure, fmt))
    written.append(folder / "comparison.csv")
    results.write_csv(written[-1], compared(study, kind))
    return written


def compared(study: Study, kind: Kind) -> pd.DataFrame:
    """The table: paired differences, or, of one folder alone, means and standard errors."""
    if study.runs["label"].nunique() == 1:
        return statistics.summary_table(study.runs, kind.metrics, study.shared)
    seeds = {combo.label: combo.loaded.manifest.get("seed") for combo in study.combos}
    return statistics.comparison_table(study.runs, kind.metrics, study.shared, seeds)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0, or 2 with one line on stderr."""
    try:
        asked = parse(arguments)
        study, kind = gather(asked)
        make_folder(asked.save_figs)
        for line in matching.notes(study):
            say(line)
        written = write(study, kind, asked.ylabel, asked.save_figs, asked.format)
    except (BadInput, results.ResultsError, OSError) as error:
        print(f"visualization.py: error: {error}", file=sys.stderr)
        return 2
    if len(written) == 1:
        say("no figure: no run has written anything yet")
    shown = statistics.overview(study.runs, kind.overview)
    unit = " (exponents in 1/τ)" if any("lambda" in name for name in shown.columns) else ""
    say(f"\ncomplete runs, mean ± standard deviation{unit}\n{shown.to_string(index=False)}\n")
    for path in written:
        say(str(path))
    return 0


if __name__ == "__main__":
    sys.exit(main())
