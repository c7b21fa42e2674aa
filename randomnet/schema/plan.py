"""From one INI to the runs of a grid."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from randomnet.schema.config import SCHEMA, Config
from randomnet.settings.places import find_files
from randomnet.settings.precedence import axes_first, obey
from randomnet.settings.reading import Axis, as_text, build, read_grid, read_texts, read_zip, render, unread
from randomnet.settings.sampling import read_samples
from randomnet.settings.schema import Text, value_of
from randomnet.settings.steps import Steps
from randomnet.settings.values import Choice, ConfigError

GRID, SAMPLE = SCHEMA.grid_key, SCHEMA.sample_key

STREAMS = ("network", "weights", "trials", "basis", "noise", "state", "null", "initial", "interface", "stretch",
           "starts", "events", "factors", "recorded trials", "state noise", "units", "spikes", "batches",
           "inference", "dropout", "order", "input noise",
           "phase starts", "initial noise", "errors", "teacher", "student", "recorded neurons", "counts",
           "responses")  # fmt: skip


@dataclass(frozen=True)
class Stage:
    """The part of a training up to a number of epochs. ends: whether the run ends there, or waits for a decision."""

    epochs: int
    ends: bool

    def limits(self) -> dict[str, int]:
        """The fields of `training.Settings` that say so."""
        return {"stop_epoch" if self.ends else "pause_epoch": self.epochs}


@dataclass(frozen=True)
class Run:
    """One iteration of one combination. The same iteration has the same seed in every combo.

    stage: the part of its training that is carried out, with successive halving; None for all of it.
    """

    combo: int
    iteration: int
    seed: int
    config: Config
    stage: Stage | None = None

    def generator(self, stream: str, other: int = 0) -> np.random.Generator:
        """A random generator for one purpose of this run: SeedSequence([seed, iteration]), spawned.

        other: a further seed for this stream alone; 0 = none.
        """
        entropy = [self.seed, self.iteration, *[other] * (other > 0)]
        place = STREAMS.index(stream)  # `spawn` gives its children these keys
        return np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=(place,)))


@dataclass(frozen=True)
class Combo:
    """One combination: its values as written in combos_params, and the whole checked configuration.

    notes: lines for the console on adapted defaults and earlier names of options. texts: what is written of each
    option, (section, key) -> text.
    """

    index: int
    values: dict[str, Any]
    config: Config
    notes: tuple[str, ...] = ()
    texts: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def runs(self) -> list[Run]:
        """Its iterations."""
        return [
            Run(self.index, iteration, self.config.experiment.seed, self.config)
            for iteration in range(self.config.trainvalidate.iterations)
        ]


@dataclass(frozen=True)
class Plan:
    """All combinations of an INI, checked as far as the text alone allows.

    varied: names of the options that differ between combos. sampled: those whose values were drawn, the first ones.
    notes: lines for the console on options that were given twice.
    """

    path: Path
    text: str
    varied: tuple[str, ...]
    combos: tuple[Combo, ...]
    sampled: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def config(self) -> Config:
        """The configuration of the first combo, for options that do not vary."""
        return self.combos[0].config


def read_plan(path: Path, overrides: Sequence[str] = ()) -> Plan:
    """Read and check an INI with its overrides; every combination is built. Raises ConfigError, one line."""
    texts, two_places = find_files(SCHEMA, read_texts(SCHEMA, path, overrides), path)
    texts, obeyed = obey(SCHEMA, texts)
    sampled, groups = read_samples(SCHEMA, texts), read_zip(SCHEMA, texts, read_grid(SCHEMA, texts))
    gridded = [axis for group in groups for axis in group]
    axes = [*sampled, *gridded]
    texts, replaced = axes_first(texts, [*((axis, SAMPLE) for axis in sampled), *((axis, GRID) for axis in gridded)])
    base = {key: text for key, text in texts.items() if key != GRID}
    origin = texts[GRID if gridded else SAMPLE].origin if axes else path
    where = f"{origin}: [combosparams] {'combos_params' if gridded or not sampled else 'sample'}"
    count = math.prod(len(axis.values) for axis in (*sampled[:1], *(group[0] for group in groups)))
    if count > 1_000_000:
        raise ConfigError(f"{where}: expected at most 1e6 combos, got {count}")
    _check_axes(sampled, gridded, where)
    combos = []
    for index, values in enumerate(_products(sampled, groups)):
        origin, texts_of_combo = f"{where}, combo {index} {values!r}", dict(base)
        for axis, value in zip(axes, values, strict=True):
            texts_of_combo[axis.key] = axis.text_with(texts_of_combo, value, origin)
        named = {axis.heading: _spelled(axis, value) for axis, value in zip(axes, values, strict=True)}
        written = {key: text.text for key, text in texts_of_combo.items()}
        combos.append(Combo(index, named, *build(SCHEMA, texts_of_combo), written))
    varied = {axis.key: Text(", ".join(map(as_text, axis.values)), where) for axis in axes}
    unread(SCHEMA, base | varied, [combo.config for combo in combos])
    _all_different(combos, where)
    headings = tuple(axis.heading for axis in axes)
    notes = (*two_places, *obeyed, *replaced)
    return Plan(path, render(SCHEMA, texts), headings, tuple(combos), headings[: len(sampled)], notes)


def _products(sampled: Sequence[Axis], groups: Sequence[Sequence[Axis]]) -> Iterator[tuple[Any, ...]]:
    """The values of each combo: every sample with every combination of the grid; one combo without either."""
    paired = [list(zip(*(axis.values for axis in group), strict=True)) for group in groups]
    samples = zip(*(axis.values for axis in sampled), strict=True) if sampled else [()]
    for sample in samples:
        for values in itertools.product(*paired):
            yield (*sample, *itertools.chain(*values))


def _check_axes(sampled: Sequence[Axis], gridded: Sequence[Axis], where: str) -> None:
    """Raise ConfigError for an option that has values from both the grid and the samples."""
    for axis in gridded:
        if any(axis.is_same(other) for other in sampled):
            raise ConfigError(f"{where}: expected {axis.heading!r} in combos_params or in sample, got it in both")


def _spelled(axis: Axis, value: Any) -> Any:
    """The value in the spelling of its option if it is a choice or a chain; else the value as written."""
    return axis.kind.parse(value) if isinstance(axis.kind, (Choice, Steps)) and isinstance(value, str) else value


def _all_different(combos: Sequence[Combo], where: str) -> None:
    """Raise ConfigError for two combos with the same values of all options that they read."""
    first: dict[tuple, int] = {}
    for combo in combos:
        same = first.setdefault(_read(combo.config), combo.index)
        if same != combo.index:
            raise ConfigError(
                f"{where}: expected combos that differ in what they read, got combo {combo.index} "
                f"{tuple(combo.values.values())!r} like combo {same} {tuple(combos[same].values.values())!r}"
            )


def _read(config: Config) -> tuple:
    return tuple([value_of(config, key) if key in config.keys_read else None for key in SCHEMA.options])
