"""Compare results folders: figures, tests of the differences, and means.

    randomnet-figures --results_folders A B --results_labels bio rand --save_figs figs

Combos are matched across folders by the values of the options that all folders vary. What a folder varies alone is
drawn and compared on its own, never mixed. Folders that are unfinished, failed or diverged in part are drawn as far as
they go, and the console says what is missing. Tests are made per cell of the grid and never pooled.

The overview comes first. The numeric option with most values is on its x axis, folders or null models are colours, and
other options are panels; --x, --colour and --panels choose others. A mean is over the runs of one combo, unless --pool
names options. Figures of single combos are in the folder by_combo. To give a kind of experiment its figures, add its
row to randomnet.figures.FIGURES.
"""

import argparse
import itertools
import re
import sys
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile

import pandas as pd
from matplotlib.figure import Figure

from randomnet import plotting, results
from randomnet.command_line.program import LONGEST_LABEL, command_line, name_of
from randomnet.comparison import hypothesis_tests, matching, means, result_sentences, study_notes
from randomnet.comparison.coupling import control_coupling_notes
from randomnet.comparison.study import Arrangement, Combo, Study
from randomnet.console import one_line, print_in_any_encoding, printable
from randomnet.figures import FIGURES, ON_SPECTRUM, ON_TASK, FigureSet
from randomnet.figures.grid_layout import grid_layout
from randomnet.figures.nulls import null_figures
from randomnet.figures.runs import Figures, say
from randomnet.figures.training import loss_name
from randomnet.forks import ForkedWork
from randomnet.plugins import FIGURES as FIGURE_PLUGINS
from randomnet.plugins import check_plugins, load_plugins
from randomnet.settings import ConfigError, nearest

TESTS, MEANS, REPORT = "tests.csv", "means.csv", "report.html"
BY_COMBO = "by_combo"  # folder of the figures of single combos
FORMER = "comparison.csv"  # held both
MOST_ROWS = 40  # of the tests, on the console


class BadInput(ValueError):
    """What the user asked for cannot be done; the text is one line."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        raise BadInput(message)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line, checked as far as it can be without the folders; BadInput otherwise."""
    description = str(__doc__).replace("randomnet-figures", command_line("randomnet-figures"))
    parser = _Parser(
        prog=name_of("randomnet-figures"), description=description, formatter_class=argparse.RawTextHelpFormatter
    )
    add = parser.add_argument
    add("--results_folders", nargs="+", required=True, type=Path, metavar="DIR", help="results folders to compare")
    add("--results_labels", nargs="+", metavar="TEXT", help="a name for each (default: the folders' names)")
    add("--save_figs", required=True, type=Path, metavar="DIR", help="where to write; made if missing")
    add("--ylabel", metavar="TEXT", help="label of the loss axes (default: what the loss is, with its unit)")
    add("--format", nargs="+", default=["png"], metavar="FORMAT", help=f"of {', '.join(plotting.FORMATS)} (png)")
    add("--filter", nargs="+", default=[], metavar="OPTION=VALUE", action="extend",
        help="only these combos; one option with several values keeps all of them")  # fmt: skip
    add("--x", default="", metavar="OPTION", help="option on the x axis of the overview")
    add("--colour", default="", metavar="OPTION", help="option in colours, or label for the results folders")
    add("--panels", default="", metavar="OPTION", help="option with a column of panels for each value")
    add("--pool", nargs="+", default=[], metavar="OPTION", action="extend",
        help="take means over these options; without it, means are of one combo")  # fmt: skip
    asked = parser.parse_args(arguments)
    labels = asked.results_labels or default_labels(asked.results_folders)
    if len(labels) != len(asked.results_folders):
        raise BadInput(f"--results_labels: expected {len(asked.results_folders)} labels, one per folder, "
                       f"got {len(labels)}")  # fmt: skip
    _check_labels(asked.results_labels or [])
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


def _check_labels(labels: Sequence[str]) -> None:
    """BadInput for a label that tables, figures and pages cannot show."""
    for label in labels:
        if not label.strip() or not label.isprintable() or len(label) > LONGEST_LABEL:
            got = f"{len(label)} characters" if len(label) > LONGEST_LABEL else ascii(label)
            raise BadInput(f"--results_labels: expected 1 to {LONGEST_LABEL} printable characters each, got {got}")


def default_labels(folders: Sequence[Path]) -> list[str]:
    """The names of the folders; those of equal names after the folders above them, as `a/run` and `b/run`."""
    parts = [tuple(map(printable, folder.resolve().parts)) for folder in folders]
    return [
        next(
            (text for k in range(1, len(own)) if _are_unique(parts, own, k) for text in ["/".join(own[-k:])]),
            "/".join(own[-2:]),
        )
        for own in parts
    ]


def _are_unique(all_parts: Sequence[tuple[str, ...]], own: tuple[str, ...], k: int) -> bool:
    """Whether no other folder has the same last k parts."""
    return sum(parts[-k:] == own[-k:] for parts in all_parts) == 1


def read_study(folders: Sequence[Path], labels: Sequence[str], filters: Sequence[str] = ()) -> tuple[Study, FigureSet]:
    """Read all folders and match their combos; BadInput or ResultsError before anything is written."""
    pairs = zip(folders, labels, strict=True)
    combos = [combo for place, (root, label) in enumerate(pairs) for combo in matching.read_combos(root, label, place)]
    kinds: dict[str, list[str]] = {}
    for combo in combos:
        name = str(combo.loaded.manifest.get("kind"))
        name = (ON_TASK if combo.task else ON_SPECTRUM) if name == "train" else name
        kinds.setdefault(name, []).append(combo.label)
    if len(kinds) != 1 or not set(kinds) <= set(FIGURES):
        got = ", ".join(f"{kind} ({' and '.join(dict.fromkeys(labels))})" for kind, labels in kinds.items())
        raise BadInput(f"--results_folders: expected folders of one kind, of {', '.join(FIGURES)}, "
                       f"got {got or 'no combos'}")  # fmt: skip
    combos = matching.filter_combos(combos, filters)
    kind = FIGURES[next(iter(kinds))].of(name for combo in combos for name in combo.loaded.table)
    _check_losses(combos if ON_TASK in kinds else [])
    return matching.match(combos, (*kind.metrics, *kind.flags), labels), kind


def gather(asked: argparse.Namespace) -> tuple[Study, FigureSet]:
    """The same for a parsed command line, with the layout that it asks for."""
    study, kind = read_study(asked.results_folders, asked.results_labels, asked.filter)
    study = replace(study, arrangement=Arrangement(asked.x, asked.colour, asked.panels, tuple(asked.pool)))
    grid_layout(study)  # raises where an option is unknown
    return study, kind


def _check_losses(combos: Sequence[Combo]) -> None:
    """BadInput where the tasks' losses are not the same quantity."""
    losses = {name: loss_name(name).removeprefix("loss: ").replace("-\n", "-").replace("\n", " ")
              for name in (str(combo.task["name"]) for combo in combos if combo.task)}  # fmt: skip
    if len(set(losses.values())) > 1:
        got = ", ".join(f"{name} ({loss})" for name, loss in losses.items())
        raise BadInput(f"--results_folders: expected tasks of one kind of loss, got {got}; choose one, for example by "
                       f"--filter task_name={next(iter(losses))}")  # fmt: skip


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


def drawn(study: Study, kind: FigureSet, ylabel: str | None) -> Figures:
    """All figures, the overview first; the stems of those of single combos begin with BY_COMBO."""
    yield from kind.overviews(study, ylabel)
    others = itertools.chain(*(draw(study, ylabel) for draw in kind.figures), null_figures(study, kind.tested))
    yield from ((f"{BY_COMBO}/{stem}", figure) for stem, figure in others)


def _render(figure: Figure, paths: Sequence[Path]) -> None:
    """Write a figure to files of the formats that their names end with."""
    for path in paths:
        results.write_bytes(path, plotting.render(figure, path.suffix.lstrip(".")))


def write(
    study: Study, kind: FigureSet, tables: Mapping[str, pd.DataFrame], ylabel: str | None, folder: Path,
    formats: Sequence[str],
) -> list[Path]:  # fmt: skip
    """Draw and write everything; the paths, the tables last."""
    written: list[Path] = []
    taken: dict[str, set[str]] = {}
    with ForkedWork() as forked:
        for stem, figure in drawn(study, kind, ylabel):
            subfolder = BY_COMBO if stem.startswith(f"{BY_COMBO}/") else ""
            name = file_names(stem.removeprefix(f"{BY_COMBO}/"), taken.setdefault(subfolder, set()))
            paths = [folder / subfolder / f"{name}.{fmt}" for fmt in dict.fromkeys(formats)]
            paths[0].parent.mkdir(exist_ok=True)
            written += paths
            forked.do(partial(_render, figure, paths))
    for name, table in tables.items():
        written.append(folder / name)
        results.write_csv(written[-1], table)
    return written


def tested(study: Study, kind: FigureSet) -> pd.DataFrame:
    """The tests of labels, and of controls with their reference, in every cell of the grid."""
    return result_sentences.tests_of(study, kind.tested)


def say_tests(table: pd.DataFrame, metrics: Sequence[str]) -> None:
    """Print the tests of these metrics, what the columns are, and what so few runs cannot show."""
    rows = hypothesis_tests.console_table(table, metrics)
    if rows.empty:
        return
    say(f"differences b - a in each cell; {hypothesis_tests.LEGEND}\n{rows.head(MOST_ROWS).to_string(index=False)}")
    if len(rows) > MOST_ROWS:
        say(f"... and {len(rows) - MOST_ROWS} more in {TESTS}")
    for line in hypothesis_tests.shared_notes(table):
        say(line)
    say("")


def write_report(
    study: Study, kind: FigureSet, sentences: Sequence[str], tables: Mapping[str, pd.DataFrame], folder: Path,
    written: Sequence[Path],
) -> Path:  # fmt: skip
    """Write the report of a study, given its sentences, tables and written files; its path."""
    from randomnet.report import report_page  # imported here, as jinja2 takes 0.1 s

    name = str(study.combos[0].loaded.manifest.get("kind"))
    figures = [path for path in written if path.suffix.lstrip(".") in plotting.FORMATS]
    commands = (command_line("randomnet"), command_line("randomnet-figures"))
    metrics = [name for name in kind.overview if not name.endswith(means.MEDIAN)]
    page = report_page(study, name, sentences, metrics, kind.headlines, tables, figures, commands)
    path = folder / REPORT
    results.write_bytes(path, page.encode("utf-8", errors="replace"))  # names of folders may be no Unicode
    return path


def say_results(
    study: Study, kind: FigureSet, sentences: Sequence[str], tests: pd.DataFrame, tables: Sequence[pd.DataFrame]
) -> None:
    """Print the overview, the sentences of result, the tests, and the other tables of the kind."""
    overview = means.overview(study.runs, kind.overview)
    unit = " (exponents in 1/τ)" if any("lambda" in name for name in overview.columns) else ""
    say(f"\ncomplete runs, mean ± standard deviation{unit}\n{overview.to_string(index=False)}\n")
    for sentence in sentences:
        say(sentence)
    say("")
    say_tests(tests, [name for name in kind.overview if name in kind.tested] or kind.tested)
    for other in (each for each in tables if len(each)):
        say(f"{other.to_string(index=False)}\n")


def _unexpected(folders: Sequence[Path], error: Exception) -> str:
    """What is said where files have the form of results, and arrays or values from which nothing can be drawn."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"{', '.join(map(str, folders))}: expected files as RandomNet writes them, got some that cannot be drawn: "
        f"{type(error).__name__}: {error} ({Path(frame.filename).name}, line {frame.lineno})"
    )


@contextmanager
def _boxes_told_once(labels: Sequence[str]) -> Iterator[None]:
    """Say once which characters of labels the font of figures lacks, instead of matplotlib's warning per figure."""
    lacking = plotting.missing_characters("".join(labels))
    if lacking:
        say(f"figures show a box for {' '.join(lacking)} of the labels, which their font lacks")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        yield


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0, or 2 with one line on stderr."""
    print_in_any_encoding()
    try:
        asked = parse(arguments)
        load_plugins()
        load_plugins(FIGURE_PLUGINS)
        check_plugins()
        study, kind = gather(asked)
        make_folder(asked.save_figs)
        for line in (*study_notes.study_notes(study), *control_coupling_notes(study)):
            say(line)
        table = tested(study, kind)
        table_of_means = means.means_table(study.runs, kind.metrics, study.shared)
        tables = {name: make(study) for name, make in kind.tables.items()}
        files = {name: rows for name, make in kind.files.items() if len(rows := make(study))}
        every = {TESTS: table, MEANS: table_of_means, **tables, **files}
        with _boxes_told_once(study.labels):
            written = write(study, kind, every, asked.ylabel, asked.save_figs, asked.format)
        result = result_sentences.sentences(study, kind, table)
        page_tables = {name: rows for name, rows in every.items() if name not in files}
        written.append(write_report(study, kind, result, page_tables, asked.save_figs, written))
    except (BadInput, ConfigError, results.ResultsError, OSError) as error:
        print(f"{name_of('randomnet-figures')}: error: {one_line(error)}", file=sys.stderr)
        return 2
    except (LookupError, ArithmeticError, ValueError, TypeError, AttributeError) as error:
        print(f"{name_of('randomnet-figures')}: error: {one_line(_unexpected(asked.results_folders, error))}",
              file=sys.stderr)  # fmt: skip
        return 2
    if not any(path.suffix.lstrip(".") in plotting.FORMATS for path in written):
        say("no figure: no run has written anything yet")
    say_results(study, kind, result, table, list(tables.values()))
    if (asked.save_figs / FORMER).exists():
        say(f"{FORMER} is of an earlier version; differences are in {TESTS} now, and means in {MEANS}")
    for path in written:
        say(str(path))
    return 0
