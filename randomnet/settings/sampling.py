"""Options whose values are drawn at random: laws such as `loguniform 1e-4 1e-2`, and their draws from a seed."""

import json
import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from randomnet.settings.literal import literal
from randomnet.settings.reading import EXAMPLE, Axis, axis_named, option_origin, written_value
from randomnet.settings.schema import Schema, Texts
from randomnet.settings.values import ConfigError, nearest

SALT = 0x73616D70  # keeps the draws apart from other generators of the same seed
LARGEST = 2**62  # of whole numbers
DIGITS = 6  # significant digits of a drawn number, so that tables and errors can show all of them


@dataclass(frozen=True)
class Law:
    """A law of random values. draw(generator) -> a value. values: how many different ones there are, or infinity."""

    draw: Callable[[np.random.Generator], Any]
    values: float = math.inf


def _bounds(words: Sequence[str]) -> tuple[float, float]:
    low, high = map(float, words)
    if not -math.inf < low < high < math.inf:
        raise ValueError("not ascending")
    return low, high


def _rounded(value: float, low: float, high: float) -> float:
    return min(max(float(f"{value:.{DIGITS}g}"), low), high)


def _different(low: float, high: float) -> float:
    """How many different numbers `_rounded` gives between the bounds, without the ends, which may be rare."""
    if low <= 0 <= high:
        return math.inf
    return max(1, abs(_place(high) - _place(low)) - 1)


def _place(value: float) -> int:
    """The place of a rounded number that is not 0 among all rounded numbers, ordered by size."""
    digits, exponent = f"{abs(value):.{DIGITS - 1}e}".split("e")
    return int(exponent) * 9 * 10 ** (DIGITS - 1) + int(digits.replace(".", ""))


def _uniform(words: Sequence[str]) -> Law:
    low, high = _bounds(words)
    return Law(lambda generator: _rounded(generator.uniform(low, high), low, high), _different(low, high))


def _loguniform(words: Sequence[str]) -> Law:
    low, high = _bounds(words)
    if low <= 0:
        raise ValueError("no logarithm")
    logs = math.log(low), math.log(high)
    return Law(lambda generator: _rounded(math.exp(generator.uniform(*logs)), low, high), _different(low, high))


def _integers(words: Sequence[str]) -> Law:
    first, last = map(int, words)
    if first >= last or max(-first, last) > LARGEST:
        raise ValueError("not ascending, or too large for the generator")
    return Law(lambda generator: int(generator.integers(first, last, endpoint=True)), last - first + 1)


def _choice(words: Sequence[Any]) -> Law:
    values = [_plain(word) if isinstance(word, str) else word for word in words]
    if len({json.dumps(value) for value in values}) < max(2, len(values)):
        raise ValueError("fewer than two, or one twice")
    return Law(lambda generator: values[generator.integers(len(values))], len(values))


def _plain(word: str) -> Any:
    """The number or truth value that a word writes, else the word."""
    for parse in (int, float):
        try:
            return parse(word)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(word.lower(), word)


LAWS: dict[str, tuple[str, Callable[[Sequence[str]], Law]]] = {
    "uniform": ("uniform LOW HIGH with LOW below HIGH", _uniform),
    "loguniform": ("loguniform LOW HIGH with 0 < LOW < HIGH", _loguniform),
    "integers": ("integers FIRST LAST with whole numbers, FIRST below LAST", _integers),
    "choice": ("choice A B C with at least two different values", _choice),
}


def _law(text: Any, where: str) -> Law:
    """The law that a text, or a JSON list of choices, writes. Raises ConfigError."""
    if isinstance(text, list) and all(isinstance(value, (bool, int, float, str)) for value in text):
        name, words = "choice", text
    elif isinstance(text, str) and text.split():
        name, *words = text.replace(",", " ").split()
    else:
        raise ConfigError(f'{where}: expected a law such as "uniform 0 1", got {json.dumps(text)}')
    if name.lower() not in LAWS:
        hint = nearest(name, LAWS)
        raise ConfigError(f"{where}: expected a law, one of {', '.join(LAWS)}, got {text!r}{hint}")
    form, read = LAWS[name.lower()]
    try:
        return read(words)
    except (ValueError, TypeError):
        raise ConfigError(f"{where}: expected {form}, got {json.dumps(text)}") from None


def read_samples(schema: Schema, texts: Texts) -> list[Axis]:
    """The sampled options, each with one value per sample. Raises ConfigError.

    Draw i of an option follows from the seed, the option's name and i. So more samples keep the first ones, and
    another sampled option changes no draw, unless equal samples are drawn again.
    """
    written = texts.get(schema.sample_key)
    if written is None or not written.text.strip():
        return []
    where = option_origin(schema.sample_key, written.origin)
    laws_by_name = literal(written.text, where, EXAMPLE[1])
    reader = written_value(schema, texts, schema.reader_key)
    axes: list[Axis] = []
    laws: list[Law] = []
    for name, text in laws_by_name.items():
        if not isinstance(name, str):
            raise ConfigError(f"{where}: expected names of options such as \"lr\", got {name!r}")
        axis = axis_named(schema, name, [], where, reader)
        if any(axis.is_same(other) for other in axes):
            raise ConfigError(f"{where}: {name!r}: expected every option once, got {'.'.join(axis.key)} twice")
        laws.append(_law(text, f"{where}: {name!r}"))
        axes.append(axis)
    seed, count = (written_value(schema, texts, key) for key in (schema.seed_key, schema.count_key))
    different = math.prod(law.values for law in laws)
    if axes and count > different:
        place = option_origin(schema.count_key, texts.get(schema.count_key, written).origin)
        raise ConfigError(f"{place}: expected at most {different}, the number of different samples, got {count}")
    names = [".".join(filter(None, (*axis.key, axis.entry))) for axis in axes]
    samples = _draws(laws, names, seed, count) if axes else []
    return [axis._replace(values=[sample[i] for sample in samples]) for i, axis in enumerate(axes)]


def _draws(laws: Sequence[Law], names: Sequence[str], seed: int, count: int) -> list[tuple[Any, ...]]:
    """`count` different samples; one that was drawn before is left out."""
    numbers = [zlib.crc32(name.encode()) for name in names]
    samples: dict[str, tuple[Any, ...]] = {}
    index = 0
    while len(samples) < count:
        generators = [np.random.default_rng([seed, SALT, number, index]) for number in numbers]
        sample = tuple(law.draw(generator) for law, generator in zip(laws, generators, strict=True))
        samples.setdefault(json.dumps(sample), sample)
        index += 1
    return list(samples.values())
