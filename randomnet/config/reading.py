"""From the text of an INI to checked records: every combination is built and checked before anything is done.

The text of an option keeps its origin (the file, --set, a combination), so that an error can name it.
"""

import configparser
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from randomnet.config.adapting import adapted
from randomnet.config.contradictions import contradiction
from randomnet.config.predecessors import Key, Text, Texts, literal, spelled_out, unfolded
from randomnet.config.schema import Config, Option, is_read, options, sections, unmet
from randomnet.config.sections import InferenceSection
from randomnet.config.values import ConfigError, Named, nearest

GRID: Key = ("combosparams", "combos_params")
COLUMNS = ("combo", "iteration")  # of every table of results
ABOUT: dict[Key, Option] = {(section, key): about for section, key, about in options()}
NAMES: dict[Key, Key] = {
    (section, name): (section, key) for (section, key), about in ABOUT.items() for name in (key, *about.aliases)
}


def read_texts(path: Path, overrides: Sequence[str] = ()) -> Texts:
    """The options written in the file and in `section.key=value` overrides, unparsed. Raises ConfigError."""
    parser = configparser.ConfigParser(
        interpolation=None, inline_comment_prefixes=(";", "#"), comment_prefixes=(";", "#"), default_section="\0"
    )
    try:
        parser.read_string(path.read_text(encoding="utf-8-sig"), source=str(path))
    except OSError as error:
        raise ConfigError(f"{path}: expected an INI file, got {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: expected an INI file in UTF-8, got bytes that are not UTF-8") from None
    except configparser.Error as error:
        raise ConfigError(f"{path}: expected an INI file, got {' '.join(str(error).split())}") from None
    texts: Texts = {}
    for section in parser.sections():
        for name, text in parser.items(section):
            for one, value in unfolded(section, name, Text(text, str(path))):
                _put(texts, _key(section, one, str(path)), value, str(path))
        _section(section, str(path))
    replaced: Texts = {}
    for override in overrides:
        name, equals, text = override.partition("=")
        section, dot, key = name.strip().partition(".")
        if not equals or not dot:
            raise ConfigError(f"--set {override}: expected section.key=value, such as lyapunov.nle=20")
        if re.search(r"(^|\s)[;#]", text):
            raise ConfigError(
                f"--set: [{section}] {key}: expected no ; or # where an INI would begin a comment, got {text!r}"
            )
        for one, value in unfolded(section, key, Text(text.strip(), "--set")):
            _put(replaced, _key(section, one, "--set"), value, "--set")
    return texts | replaced


def _put(texts: Texts, key: Key, text: str, origin: str) -> None:
    if key in texts:
        raise ConfigError(f"{origin}: [{key[0]}] {key[1]}: expected once, got it twice (an alias counts)")
    texts[key] = Text(text, origin)


def _section(section: str, origin: str) -> None:
    if section not in sections():
        raise ConfigError(
            f"{origin}: [{section}]: expected one of the sections {', '.join(sections())}"
            f"{nearest(section, sections())}"
        )


def _key(section: str, name: str, origin: str) -> Key:
    _section(section, origin)
    if (section, name.lower()) in NAMES:
        return NAMES[section, name.lower()]
    known = [key for owner, key in NAMES if owner == section]
    elsewhere = [owner for owner, key in NAMES if key == name.lower()]
    hint = f"; it belongs to [{elsewhere[0]}]" if elsewhere else nearest(name, known)
    raise ConfigError(f"{origin}: [{section}] {name}: expected one of {', '.join(known)}{hint}")


class Axis(NamedTuple):
    """One axis of a grid: the option, or of an option with names (`couplings = EE: 1`) one of them, and its values."""

    key: Key
    entry: str
    values: list[Any]

    @property
    def heading(self) -> str:
        """One name, however it was written: the key, or section.key where a key is in several sections, or a column of
        the results of its own."""
        section, key = self.key
        unique = key not in COLUMNS and sum(other == key for _, other in ABOUT) == 1
        named = key if unique else f"{section}.{key}"
        return f"{named}.{self.entry}" if self.entry else named

    def laid(self, texts: Mapping[Key, Text], value: Any, origin: str) -> Text:
        """The option's text with this value; of one of its names, in what the text has."""
        if not self.entry:
            return Text(as_text(value), origin)
        written = texts[self.key].text if self.key in texts else str(_default(self.key))
        try:
            value_kind: Any = ABOUT[self.key].value  # of an option whose entries can be gridded by name
            return Text(value_kind.with_entry(written, self.entry, as_text(value)), origin)
        except ValueError:
            expected = ABOUT[self.key].value.expected
            raise ConfigError(f"{origin}: {self.heading}: expected {expected}, got {written!r}") from None


def _default(key: Key) -> Any:
    return getattr(sections()[key[0]](), key[1])


def _axis(name: str, values: list[Any], origin: str, kind: str) -> Axis:
    """What a name in combos_params means: a key, or section.key, or one of the option's names. Raises ConfigError."""
    where = f"{origin}: [combosparams] combos_params: {name!r}"
    key, entry = _meant(name, where, kind)
    if not ABOUT[key].grid:
        raise ConfigError(f"{where}: expected an option that may differ between combos; {'.'.join(key)} may not")
    if entry and not isinstance(ABOUT[key].value, Named):
        raise ConfigError(f"{where}: expected an option with names; {'.'.join(key)} has none")
    return Axis(key, entry, values)


def _meant(name: str, where: str, kind: str) -> tuple[Key, str]:
    first, dot, rest = name.partition(".")
    if not dot or (first not in sections() and any(known == first.lower() for _, known in NAMES)):
        return _owned(first, where, kind), rest
    key, _, entry = rest.partition(".")
    return _key(first, key, where), entry


def _owned(name: str, where: str, kind: str) -> Key:
    """The option of this name: of several sections' the ones that the kind reads, and keys before aliases."""
    owners = sorted({target for (_, known), target in NAMES.items() if known == name.lower()})
    if not owners:
        known = sorted({known for _, known in NAMES})
        raise ConfigError(f"{where}: expected an option's key{nearest(name, known) or ', see --help-config'}")
    for narrower in ([key for key in owners if kind in (ABOUT[key].kinds or ())], owners):
        named = [key for key in narrower if key[1] == name.lower()] or narrower
        if len(named) == 1:
            return named[0]
    spelled = ", ".join(".".join(owner) for owner in owners)
    raise ConfigError(f"{where}: expected a key of one section, got one of several; write one of {spelled}")


def read_grid(texts: Texts) -> list[Axis]:
    """combos_params, in the order written. Raises ConfigError."""
    written = texts.get(GRID)
    if written is None or not written.text.strip():
        return []
    where = f"{written.origin}: [combosparams] combos_params"
    grid = literal(written.text, where, '{"lr": [0.1, 0.01]}')
    written_kind = texts.get(("experiment", "kind"))
    kind = written_kind.text.strip() if written_kind else _default(("experiment", "kind"))
    axes: list[Axis] = []
    for name, values in grid.items():
        axis = _axis(name, values, written.origin, kind)
        if not isinstance(values, list) or not values:
            raise ConfigError(f"{where}: {name!r}: expected a list of at least one value, got {json.dumps(values)}")
        for value in values:
            if not isinstance(value, (bool, int, float, str)):
                raise ConfigError(f"{where}: {name!r}: expected numbers, texts, true or false, got {json.dumps(value)}")
        if len({json.dumps(value) for value in values}) < len(values):
            raise ConfigError(f"{where}: {name!r}: expected different values, got {json.dumps(values)}")
        if any(axis.key == other.key and ("" in (axis.entry, other.entry) or axis.entry == other.entry)
               for other in axes):  # fmt: skip
            raise ConfigError(f"{where}: {name!r}: expected every option once, got {'.'.join(axis.key)} twice")
        axes.append(axis)
    return axes


def build(texts: Mapping[Key, Text]) -> tuple[Config, tuple[str, ...]]:
    """One checked Config, and notes on defaults that were adapted to it. Raises ConfigError for the first option that
    is wrong."""
    texts = spelled_out(dict(texts))
    values: dict[str, dict[str, Any]] = {section: {} for section in sections()}
    for (section, key), written in texts.items():
        values[section][key] = _parse((section, key), written)
    kind, task = values["experiment"].get("kind", "train"), values["trialparams"].get("task_name", "none")
    model = [values["inference"].get("model", InferenceSection.model)] if kind == "fit" else []
    for (section, key), about in ABOUT.items():
        for name in (*model, kind, *(["task", task] if task != "none" else [])):
            if name in about.defaults:
                values[section].setdefault(key, about.defaults[name])
    built: dict[str, Any] = {section: kind(**values[section]) for section, kind in sections().items()}
    config, notes = adapted(Config(**built), texts)
    for option in texts:
        if config.experiment.kind not in (ABOUT[option].kinds or ()):
            raise ConfigError(
                f"{_where(option, texts)}: expected it left out, as it is not available for kind = "
                f"{config.experiment.kind}, got {texts[option].text!r}"
            )
    found = contradiction(config)
    if found:
        option, expected = found
        default = getattr(getattr(config, option[0]), option[1])
        came = f"{texts[option].text!r}" if option in texts else f"the default {default!r}"
        raise ConfigError(f"{_where(option, texts)}: expected {expected}, got {came}")
    return config, notes


def unread(texts: Texts, configs: Sequence[Config]) -> None:
    """ConfigError for a written option that no run reads."""
    for key, written in texts.items():
        about = ABOUT[key]
        if written.text.strip() and not any(is_read(about, config) for config in configs):
            raise ConfigError(
                f"{_where(key, texts)}: expected it only where {unmet(about, configs[0])}, which holds for no run, "
                f"got {written.text!r}"
            )


def as_text(value: Any) -> str:
    """The text that a JSON value of combos_params stands for in its section."""
    return value if isinstance(value, str) else repr(value)


def render(texts: Texts) -> str:
    """The options as an INI file that gives the same experiment."""
    lines: list[str] = []
    for section in sections():
        written = {key: text for (owner, key), text in texts.items() if owner == section}
        if written:
            texts_of_section = (f"{key} = {_one_line((section, key), text)}" for key, text in written.items())
            lines += [f"[{section}]", *texts_of_section, ""]
    return "\n".join(lines)


def _one_line(key: Key, written: Text) -> str:
    """The text with its lines joined; where these are entries of a list, by commas."""
    lines = written.text.split("\n")
    if not ABOUT[key].value.lines:
        return " ".join(lines)
    return ", ".join(entry for line in lines if (entry := line.strip().rstrip(",").rstrip()))


def _where(key: Key, texts: Mapping[Key, Text]) -> str:
    origin = texts[key].origin if key in texts else next(iter(texts.values()), Text("", "config")).origin
    return f"{origin}: [{key[0]}] {key[1]}"


def _parse(key: Key, written: Text) -> Any:
    about = ABOUT[key]
    text = _one_line(key, written) if ABOUT[key].value.lines else written.text.strip()
    if len(text.splitlines()) > 1 and key != GRID:
        raise ConfigError(
            f"{written.origin}: [{key[0]}] {key[1]}: expected {about.value.expected} on one line, got {text!r} "
            "(an indented line continues the one above it)"
        )
    try:
        if not text and type(about.value).__name__ != "Value":
            raise ValueError("")
        return about.value.parse(text)
    except ValueError as error:
        hint = str(error) if str(error).startswith(";") else ""
        got = f"{written.text!r}" if text else "nothing"
        raise ConfigError(
            f"{written.origin}: [{key[0]}] {key[1]}: expected {about.value.expected}, got {got}{hint}"
        ) from None
