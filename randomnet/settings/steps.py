"""A kind of value: steps that follow each other, each applied to the result of the one before."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from randomnet.settings.values import Choice, Value

JOINT = " + "


@dataclass(frozen=True)
class Steps(Value):
    """One of `alone`, or one or more of `names` in their order of application, joined by +.

    example: the chain that the error and the help show; without it the first two names.
    """

    names: tuple[str, ...]
    alone: tuple[str, ...] = ()
    example: str = ""
    spellings: Mapping[str, str] = field(default_factory=dict)

    @property
    def expected(self) -> str:
        """What the option may be, in words."""
        chain = self.example or JOINT.join(self.names[:2])
        return f"one of {', '.join((*self.alone, *self.names))}, or a chain such as {chain}"

    def parse(self, text: str) -> str:
        """The steps joined by ` + `, as RandomNet spells them."""
        parts = [part.strip() for part in text.split("+")]
        known = Choice((*self.alone, *self.names), self.spellings)
        steps = [known.parse(part) for part in parts]
        single = [step for step in steps if step in self.alone]
        if len(steps) > 1 and single:
            raise ValueError(f"; {single[0]} stands alone")
        if len(set(steps)) < len(steps):
            raise ValueError("; each step may come once")
        return JOINT.join(steps)


def steps_of(text: str) -> tuple[str, ...]:
    """The steps of a parsed chain, the first to apply first; none of `none`."""
    return () if text == "none" else tuple(text.split(JOINT))
