"""An option of an INI: its kind of value, default, sentence, and the condition under which it is read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from randomnet.settings.values import Value

UNSET = object()


class Condition(NamedTuple):
    """When an option is read: in words, and as a predicate of the configuration."""

    words: str
    holds: Callable[[Any], bool]


@dataclass(frozen=True)
class Option:
    """What the engine knows of one option besides its name and default.

    only, where: the option's own condition, and that of its section; where one is false the option is not read.
    identity: whether results depend on the option, so that it may not change on resume. grid: whether combos_params
    may list it. defaults: defaults by the name of a layer (a reader, or a choice), where they differ from the option's
    own. neutral: the value for results folders that are older than the option; `UNSET` if there are none.
    sizes: whether sizes of arrays, and so time and memory, depend on the option. readers: the names of those that read
    it; the schema fills this in.
    """

    value: Value
    says: str
    aliases: tuple[str, ...] = ()
    only: Condition | None = None
    identity: bool = True
    grid: bool = True
    defaults: Mapping[str, Any] = field(default_factory=dict)
    where: Condition | None = None
    neutral: Any = UNSET
    sizes: bool = True
    readers: tuple[str, ...] = ()


def option(
    value: Value,
    default: Any,
    says: str,
    *,
    aliases: tuple[str, ...] = (),
    only: Condition | None = None,
    identity: bool = True,
    grid: bool | None = None,
    defaults: Mapping[str, Any] | None = None,
    neutral: Any = UNSET,
    sizes: bool = True,
) -> Any:
    """A dataclass field with its Option. Options that do not influence results are no axes, unless `grid` says so."""
    axis = identity if grid is None else grid
    carried = Option(value, says, aliases, only, identity, axis, defaults or {}, neutral=neutral, sizes=sizes)
    return field(default=default, metadata={"option": carried})


class Section:
    """A section of the INI: a frozen dataclass whose fields are options. where: a condition of them all."""

    where: ClassVar[Condition | None] = None
