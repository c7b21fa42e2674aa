"""The command `randomnet`: read an INI, say what will be done, do it, say where the results are.

In a clone, `python runrandomnet.py` is the same command.

    randomnet [config.ini] [--set section.key=value ...] [--dry-run | --fresh | --retry-failed]
    randomnet [config.ini] --shard i/n
    randomnet [config.ini] [--set section.key=value ...] --describe [--save_figs folder] [--save file]
    randomnet --help-config [section | key | all] [--kind kind]
    randomnet --help-columns [name]
    randomnet --selfcheck [auto | cpu | cuda | cuda:1]
    randomnet --fetch hemibrain --to folder
    randomnet --status folder
"""

import argparse
import math
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numbers must not depend on the machine's cores

from randomnet.command_line.arguments import arguments
from randomnet.command_line.missing_stages import told_how_to_make_them
from randomnet.command_line.moved_results import plan_in_place
from randomnet.command_line.program import command_line, label_of, path_argument, templates
from randomnet.command_line.status import lines_of
from randomnet.console import one_line, print_in_any_encoding
from randomnet.loading import loading
from randomnet.plugins import check_plugins
from randomnet.renamed_options import RENAMED
from randomnet.results.statuses import ResultsError
from randomnet.schema.config import SCHEMA
from randomnet.schema.plan import Plan
from randomnet.settings import ConfigError
from randomnet.settings.help import explain
from randomnet.settings.readers import Key
from randomnet.settings.schema import key_of
from randomnet.settings.values import Named

if TYPE_CHECKING:
    from randomnet.results import Share

EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130


def explain_columns(name: str | None) -> int:
    """Print what a column means, also one of a gridded option, or all of them; 0. Raises ConfigError.

    name: of a gridded option also its earlier name, which tables of earlier versions have.
    """
    from randomnet.results.columns import help_text as text_of

    gridded = [f"all tables, where it is gridded: option of [{section}]\n  {key}: {SCHEMA.options[section, key].says}"
               for section, key in options_of_axis(name or "")]  # fmt: skip
    try:
        texts = [text_of(name)]
    except KeyError as error:
        if not gridded:
            raise ConfigError(f"--help-columns {name}: {error.args[0]}") from None
        texts = []
    print("\n".join([*texts, *gridded]))
    return 0


def options_of_axis(axis: str) -> list[Key]:
    """The options that an axis of a grid may stand for, under a present or an earlier name."""
    entries = [axis[: match.start()] for match in re.finditer(r"\.", axis)]  # of `couplings.EE`, an option with names
    present = {new for old, new in RENAMED.items() for name in (axis, *entries) if name in (old, key_of(old)[1])}
    found = []
    for (section, key), option in SCHEMA.options.items():
        names = {key, f"{section}.{key}"}
        whole = axis in names or f"{section}.{key}" in present
        if whole or (isinstance(option.value, Named) and names & set(entries)):
            found.append((section, key))
    return found


def selfcheck(device: str) -> int:
    """Run the self-check on one thread; 0 if all is as it should be, else 1."""
    import torch

    from randomnet.selfcheck import main as run_checks

    torch.set_num_threads(1)
    try:
        return run_checks(device)
    except ValueError as error:
        raise ConfigError(f"--selfcheck {device}: {error}") from None


def fetch_archive(name: str | None, folder: str | None, accept_other: bool) -> int:
    """Download a public connectome and say how to use it; 0 if it is there, 1 if the transfer failed."""
    from randomnet.fetch import ARCHIVES, DownloadError, FetchError, archive_named, fetch, next_steps

    if name is None:
        option = "--fetch-unverified" if folder is None else f"--to {folder}"
        raise ConfigError(f"{option}: expected --fetch with one of {', '.join(ARCHIVES)}, got none")
    try:
        archive = archive_named(name)
        if not folder:
            raise ConfigError(f"--fetch {name}: expected --to with a folder to download into, got none")
        fetch(archive, folder, accept_other=accept_other)
    except DownloadError as error:
        print(f"error: {one_line(error)}", file=sys.stderr)
        return EXIT_FAILED
    except FetchError as error:
        raise ConfigError(f"--fetch {name}: {error}") from None
    print(next_steps(archive, folder))
    return 0


def describe(plan: Plan, folder: Path | None, save: Path | None = None) -> int:
    """Print what every network of the plan is, draw it, and save it if asked; 0.

    Raises ConfigError where no run reads [net], or the file to save cannot be.
    """
    options = [key for key in SCHEMA.options if key[0] == "net"]
    if not any(SCHEMA.is_read(key, combo.config) for combo in plan.combos for key in options):
        kind = plan.config.experiment.kind
        raise ConfigError(f"{plan.path}: expected --describe with runs that read [net], got none, with kind = {kind}")
    from randomnet.experiment import network_descriptions, network_files

    if save:
        network_files.check(save)
    folder = folder or Path(f"describe_{plan.path.stem}")
    for text in network_descriptions.show(plan, folder, save):
        print(text, flush=True)
    print(f"\nFigures: {folder}")
    return 0


def plan_of(options: argparse.Namespace) -> Plan:
    """The experiment of the INI and its overrides. Raises ConfigError, which names the templates where no INI is."""
    folder = None if options.config.exists() else templates()
    if folder:
        came = f"No such file or directory; templates are in {folder}"
        raise ConfigError(f"{options.config}: expected an INI file, got {came}")
    return plan_in_place(options.config, options.set)


def share_of(options: argparse.Namespace) -> "Share | None":
    """The share of the runs that this process does; None for all. Raises ConfigError."""
    if options.shard is None:
        return None
    from randomnet.results import Share

    for name in ("fresh", "dry_run", "describe"):
        if getattr(options, name):
            raise ConfigError(f"--shard {options.shard}: expected it without --{name.replace('_', '-')}, got both")
    try:
        return Share.read(options.shard)
    except ValueError as error:
        raise ConfigError(f"--shard: {error}") from None


def announce(plan: Plan) -> None:
    """Say what will be done."""
    config = plan.config
    combos, iterations = len(plan.combos), config.trainvalidate.iterations
    print(f"RandomNet: {config.experiment.name} ({config.experiment.kind})")
    print(
        f"{combos} combo{'s' * (combos > 1)} x {iterations} iteration{'s' * (iterations > 1)} -> "
        f"{config.paths.path_to_results}",
        flush=True,
    )
    print_notes(plan)


def print_notes(plan: Plan) -> None:
    """Say which options were given twice, adapted, or have another name today."""
    for note in dict.fromkeys([*plan.notes, *(note for combo in plan.combos for note in combo.notes)]):
        print(f"Note: {note}", flush=True)


def announce_upstream(facts: list[dict]) -> None:
    """Say which earlier runs the runs start from, a line for each choice."""
    from randomnet.artifacts.upstream_runs import upstream_lines

    for line in upstream_lines(facts):
        print(line, flush=True)


def dry_run(plan: Plan, facts: list[dict]) -> None:
    """Print the combos and what they will cost."""
    from randomnet.experiment import estimate, workers_of
    from randomnet.kinds.kind import kind_of

    cost = estimate(plan, facts)
    workers = min(workers_of(plan, facts), sum(len(combo.runs()) for combo in plan.combos))
    unit, auto = kind_of(plan.config.experiment.kind).unit, plan.config.lyapunov.tsim == "auto"
    print(f"\ncombo  {unit:>5} [s]  run [s]  values")
    for combo, epoch, run in zip(plan.combos, cost.epochs, cost.runs, strict=True):
        values = ", ".join(f"{name} = {value}" for name, value in combo.values.items()) or "(no grid)"
        print(f"{combo.index:5d}  {epoch:9.3g}  {run:7.3g}  {values}")
    memory = "memory unknown" if cost.memory is None else f"memory about {cost.memory / 1e6:.0f} MB per worker"
    print(
        f"\nAll runs: about {cost.total / 60:.1f} min on one worker, {cost.total / 60 / workers:.1f} min on {workers}; "
        f"{memory}. Nothing was written."
    )
    if auto:
        print(f"tsim = auto: that is its first record; tsim_max = {plan.config.lyapunov.tsim_max:g} bounds the last")
    if plan.config.lyapunov.tsim_first != "tsim":
        print("tsim_first: the epochs are those over all of tsim; the first ones, over less, take less")


def report(plan: Plan, outcome) -> int:
    """Print the end figures and what to do next, and write the report where it is asked for; the exit code."""
    from randomnet.command_line.ending import ending_lines, own_network_lines
    from randomnet.comparison.network_identity import add_connectome_checksums
    from randomnet.experiment import closing_report, closing_table
    from randomnet.kinds.kind import kind_of

    kind = kind_of(plan.config.experiment.kind)
    with_checksums = add_connectome_checksums(outcome.root, outcome.table)
    print()
    if outcome.table.empty:
        print("This share has no runs: there are fewer batches of them than shares")
    else:
        differing = closing_table.incomparable(plan)
        for line in closing_table.table_lines(with_checksums, plan.varied, kind.headline, kind.rankings, differing):
            print(line)
    normalizations = {entry["combo"]: entry["connectome"].get("normalization", "none")
                      for entry in outcome.manifest["combos"]}  # fmt: skip
    for line in closing_report.lines(with_checksums, plan.varied, normalizations):
        print(line)
    print(f"\nResults: {outcome.root}", flush=True)
    if outcome.interrupted:
        print(f"Interrupted. To go on with what is missing: {resume_command()}")
        return EXIT_INTERRUPTED
    has_results = not outcome.table["status"].eq("failed").all()
    if has_results and plan.config.execution.report:
        for line in (*ending_lines(outcome.root, outcome.manifest), *own_network_lines(outcome.manifest)):
            print(line, flush=True)
    elif has_results:
        label = label_of(plan.config.experiment.name)
        folder, figures = path_argument(outcome.root), path_argument(outcome.root / "figs")
        rest = ("--results_folders", folder, "--results_labels", label, "--save_figs", figures)
        print(f"Figures: {command_line('randomnet-figures', *rest)}")
    if outcome.failed:
        print(f"{outcome.failed} runs failed; each has its error.txt. To try them again: add --retry-failed")
    if outcome.all_diverged:
        reason = next((record["reason"] for record in outcome.records() if record.get("reason")), "")
        print(f"All runs diverged, so that there is no result{f'; the first: {reason}' if reason else ''}")
    return EXIT_FAILED if outcome.failed or outcome.all_diverged else 0


def note_refusal(check: Callable[[], None]) -> None:
    """Say why a run would be refused for what its results folder holds; a dry run answers all the same."""
    try:
        check()
    except ConfigError as error:
        print(f"Note: a run would be refused. {one_line(error)}", flush=True)


def carry_out(plan: Plan, options: argparse.Namespace) -> int:
    """One experiment, as far as the options say; the exit code. Raises ConfigError."""
    share = share_of(options)
    if not 0 <= options.log_every < math.inf:
        raise ConfigError(f"--log-every: expected seconds from 0 on, got {options.log_every}")
    if options.describe:
        with told_how_to_make_them(plan):
            return describe(plan, options.save_figs, options.save)
    announce(plan)
    with loading():  # torch is slow to load; a wrong INI is told before
        from randomnet import experiment
        from randomnet.experiment.announcement import announcement
    with told_how_to_make_them(plan):
        facts = experiment.check(plan)
    print("\n".join(announcement(plan, facts)), flush=True)
    announce_upstream(facts)
    if options.dry_run:
        note_refusal(lambda: experiment.check_results(plan, facts, options.fresh))
        dry_run(plan, facts)
        return 0
    chosen = {name: getattr(options, name) for name in ("fresh", "retry_failed", "log_every")}
    return report(plan, experiment.run(plan, facts, share=share, **chosen))


def pipeline(plan: Plan, options: argparse.Namespace) -> int:
    """The stages of a pipeline one after the other, each like an experiment of its own; the exit code of the last."""
    from randomnet.experiment.pipeline import NEEDED, check_folder, outdated, run_stages, stages_of

    for name in ("shard", "describe"):
        if getattr(options, name):
            raise ConfigError(f"{plan.path}: expected --{name} with the INI of one stage, got it with kind = pipeline")
    stages, config = stages_of(plan), plan.config
    if options.dry_run:
        note_refusal(lambda: check_folder(plan, stages))
    else:
        check_folder(plan, stages)
    print(f"RandomNet: {config.experiment.name} (pipeline)\n{len(stages)} stages -> {config.paths.path_to_results}")
    for stage in stages:
        source = f", goes on from {stage.plan.config.source.folder}" if stage.kind in NEEDED else ""
        print(f"  {stage.name}: {stage.plan.path}, kind = {stage.kind}{source}")
    print_notes(plan)
    if options.dry_run:
        for stage in stages:
            if stage.kind not in NEEDED:
                print(f"\nStage {stage.name}")
                carry_out(stage.plan, options)
        print("\nStages that go on from others are checked and estimated once these are there.")
        return 0

    def one(stage) -> int:
        again = options.fresh or outdated(stage)
        return carry_out(stage.plan, argparse.Namespace(**vars(options) | {"fresh": again}))

    return run_stages(plan, stages, one)


def resume_command() -> str:
    """The command that goes on."""
    return command_line("randomnet", *(argument for argument in sys.argv[1:] if argument != "--fresh"))


def main(argv: list[str] | None = None) -> int:
    """Run the command; the exit code: 0 done, 1 some runs failed or all diverged, 2 wrong input, 130 interrupted."""
    print_in_any_encoding()
    options = arguments(argv)
    try:
        check_plugins()
        if options.help_config is not None:
            print(explain(SCHEMA, options.help_config, options.kind or ""))
            return 0
        if options.kind is not None:
            raise ConfigError(f"--kind {options.kind}: expected --help-config with it, got it alone; in a run: "
                              f"--set experiment.kind={options.kind}")  # fmt: skip
        if options.help_columns is not None:
            return explain_columns(options.help_columns or None)
        if options.status is not None:
            print("\n".join(lines_of(options.status)))
            return 0
        if options.selfcheck is not None:
            return selfcheck(options.selfcheck)
        if options.fetch is not None or options.to is not None or options.fetch_unverified:
            return fetch_archive(options.fetch, options.to, options.fetch_unverified)
        if options.save_figs and not options.describe:
            raise ConfigError(f"--save_figs {options.save_figs}: expected --describe with it, got it alone")
        if options.save and not options.describe:
            raise ConfigError(f"--save {options.save}: expected --describe with it, got it alone")
        plan = plan_of(options)
        return (pipeline if plan.config.experiment.kind == "pipeline" else carry_out)(plan, options)
    except (ConfigError, ResultsError) as error:
        print(f"error: {one_line(error)}", file=sys.stderr)
        return EXIT_USAGE
    except BrokenPipeError:  # the reader of our output has gone, as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except OSError as error:  # a full disk, say; what has ended is whole on disk
        rest = "Runs that ended are kept; the same command goes on with the rest"
        print(f"error: {one_line(error)}. {rest}", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print(f"\nInterrupted. To go on with what is missing: {resume_command()}", file=sys.stderr)
        return EXIT_INTERRUPTED
