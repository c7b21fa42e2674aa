"""Events of the external input, as an INI lists them."""

import math
from dataclasses import dataclass
from typing import NamedTuple

from randomnet.settings.values import Choice, Value

EXAMPLE = "E: cosine 0.5 from 1 to 2 phase 90 sigma 1, I: constant -1 from 3 to 3.5"
MORE = {"phase": 0.0, "sigma": 1.0, "vector": 1.0}  # what may follow, and the default
# options by pattern
READ = {"cosine": ("phase", "sigma"), "gaussian": ("phase", "sigma"), "random": ("vector",), "channel": ("vector",)}
LEAST = {"cosine": -1.0, "gaussian": 0.0}  # of sigma, which is above it


class Written(NamedTuple):
    """One event as it is written: times in units of time, phase in degrees, sigma as its pattern has it."""

    population: str
    pattern: str
    amplitude: float
    onset: float
    offset: float
    phase: float
    sigma: float
    vector: float


class Events(tuple):
    """Events, which print as they are written in an INI."""

    def __str__(self) -> str:
        return ", ".join(map(_spelled, self)) or "none"


def _spelled(event: Written) -> str:
    more = "".join(f" {name} {getattr(event, name):g}" for name, usual in MORE.items() if getattr(event, name) != usual)
    times = f"from {event.onset:.17g} to {event.offset:.17g}"
    return f"{event.population}: {event.pattern} {event.amplitude:.17g} {times}{more}"


@dataclass(frozen=True)
class EventList(Value):
    """Events such as `E: cosine 0.5 from 1 to 2 phase 90`, with commas between; or none."""

    patterns: tuple[str, ...]

    @property
    def expected(self) -> str:
        """What the option may be, in words."""
        patterns = ", ".join(self.patterns)
        tuned = "phase and sigma (above -1; gaussian: above 0) are of cosine and gaussian, vector of random and channel"
        return f"events with one of {patterns}, such as {EXAMPLE}, or none; {tuned}"

    def parse(self, text: str) -> Events:
        """The events, in the order written."""
        if text.lower() == "none":
            return Events()
        return Events(self._event(*part.partition(":")[::2]) for part in text.split(","))

    def _event(self, population: str, rest: str) -> Written:
        pattern, amplitude, *words = rest.split()
        values = dict(zip(words[::2], map(float, words[1::2]), strict=True))
        known = {"from", "to"} <= set(values) <= {"from", "to", *READ.get(Choice(self.patterns).parse(pattern), ())}
        if not population.strip() or len(values) < len(words) / 2 or not known:
            raise ValueError("not an event")
        numbers = float(amplitude), values.pop("from"), values.pop("to"), *(MORE | values).values()
        if not all(map(math.isfinite, numbers)) or not 0 <= numbers[1] < numbers[2]:
            raise ValueError("numbers")
        event = Written(population.strip(), Choice(self.patterns).parse(pattern), *numbers)
        if event.sigma <= LEAST.get(event.pattern, -math.inf):
            raise ValueError("sigma")
        return event
