"""From one INI to the runs of a grid."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from randomnet.config.reading import ABOUT, GRID, Text, as_text, build, read_grid, read_texts, render, unread
from randomnet.config.schema import Config, is_read
from randomnet.config.values import Choice, ConfigError

STREAMS = ("network", "weights", "trials", "basis", "noise", "state", "null", "initial", "interface", "stretch",
           "starts")  # fmt: skip


@dataclass(frozen=True)
class Run:
    """One combination, one iteration: the unit of work. The same iteration has the same seed in every combo."""

    combo: int
    iteration: int
    seed: int
    config: Config

    def generator(self, stream: str) -> np.random.Generator:
        """The named, independent source of randomness of this run: SeedSequence([seed, iteration]), spawned."""
        streams = np.random.SeedSequence([self.seed, self.iteration]).spawn(len(STREAMS))
        return np.random.default_rng(streams[STREAMS.index(stream)])


@dataclass(frozen=True)
class Combo:
    """One combination: its values as written in combos_params, and the whole checked config."""

    index: int
    values: dict[str, Any]
    config: Config

    def runs(self) -> list[Run]:
        """Its repeats."""
        return [
            Run(self.index, iteration, self.config.experiment.seed, self.config)
            for iteration in range(self.config.trainvalidate.iterations)
        ]


@dataclass(frozen=True)
class Plan:
    """Everything an INI asks for, checked as far as the text alone allows. `config` is the one without the grid."""

    path: Path
    text: str
    varied: tuple[str, ...]
    combos: tuple[Combo, ...]

    @property
    def config(self) -> Config:
        """What the combos share (the experiment, paths and execution sections do not vary)."""
        return self.combos[0].config


def read_plan(path: Path, overrides: Sequence[str] = ()) -> Plan:
    """Read and check an INI with its overrides; every combination is built. Raises ConfigError, one line."""
    texts = read_texts(path, overrides)
    axes = read_grid(texts)
    base = {key: text for key, text in texts.items() if key != GRID}
    where = f"{texts[GRID].origin if axes else path}: [combosparams] combos_params"
    count = math.prod(len(values) for _, values in axes.values())
    if count > 1_000_000:
        raise ConfigError(f"{where}: expected at most 1e6 combos, got {count}")
    for name, (key, _) in axes.items():
        if key in base:
            raise ConfigError(
                f"{base[key].origin}: [{key[0]}] {key[1]}: expected it left out, as combos_params lists {name!r}, "
                f"got {base[key].text!r}"
            )
    combos = []
    for index, values in enumerate(itertools.product(*(values for _, values in axes.values()))):
        laid = dict(zip(axes, values, strict=True))
        origin = f"{where}, combo {index} {tuple(values)!r}"
        over = {key: Text(as_text(laid[name]), origin) for name, (key, _) in axes.items()}
        named = {_heading(key): _spelled(key, laid[name]) for name, (key, _) in axes.items()}
        combos.append(Combo(index, named, build(base | over)))
    varied = {key: Text(", ".join(map(as_text, values)), where) for key, values in axes.values()}
    unread(base | varied, [combo.config for combo in combos])
    _all_different(combos, where)
    return Plan(path, render(texts), tuple(_heading(key) for key, _ in axes.values()), tuple(combos))


def _heading(key: tuple[str, str]) -> str:
    """One name per option, however it was written: its key, or section.key where a key is in several sections."""
    return key[1] if sum(other == key[1] for _, other in ABOUT) == 1 else ".".join(key)


def _spelled(key: tuple[str, str], value: Any) -> Any:
    """A text of a choice in RandomNet's spelling; other values as they were written."""
    about = ABOUT[key].value
    return about.parse(value) if isinstance(about, Choice) and isinstance(value, str) else value


def _all_different(combos: Sequence[Combo], where: str) -> None:
    """ConfigError for two combos that only look different: the same value spelled otherwise, or not read."""
    first: dict[tuple, int] = {}
    for combo in combos:
        same = first.setdefault(_read(combo.config), combo.index)
        if same != combo.index:
            raise ConfigError(
                f"{where}: expected combos that differ in what they read, got combo {combo.index} "
                f"{tuple(combo.values.values())!r} like combo {same} {tuple(combos[same].values.values())!r}"
            )


def _read(config: Config) -> tuple:
    return tuple(getattr(getattr(config, s), k) if is_read(about, config) else None for (s, k), about in ABOUT.items())
