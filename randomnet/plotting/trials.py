"""Looks of conditions, and marks of events, in figures along the trials of a task."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from randomnet.plotting.style import COLOURS, DASHES, Series

EVENT_GREYS = ("0.93", "0.88")  # greys of successive event bands
VERTICAL = 90


@dataclass(frozen=True)
class Event:
    """An event at the same time in all trials; onset and offset in tau."""

    label: str
    onset: float
    offset: float


def condition_series(names: Sequence[str], texts: Sequence[str]) -> list[Series]:
    """The series of each condition, with its legend text.

    Names of two words, such as AC go, share the colour of the first word and the dash of the second, if there are
    enough colours and dashes. Other names have a colour each.
    """
    words = [str(name).split() for name in names]
    firsts = list(dict.fromkeys(word[0] for word in words if word))
    seconds = list(dict.fromkeys(word[-1] for word in words if word))
    paired = all(len(word) == 2 for word in words) and len(firsts) > 1
    if paired and len(firsts) <= len(COLOURS) and 1 < len(seconds) <= len(DASHES):
        looks = [(firsts.index(first), seconds.index(second)) for first, second in words]
    else:
        looks = [(number, 0) for number in range(len(words))]
    return [Series(text, *look) for text, look in zip(texts, looks, strict=True)]


def mark_events(axes: Axes, events: Sequence[Event], named: bool) -> None:
    """Draw a band for each event; if `named`, with its name above the axes, rotated by 90 degrees."""
    for number, event in enumerate(events):
        shade = EVENT_GREYS[number % len(EVENT_GREYS)]
        axes.axvspan(event.onset, event.offset, color=shade, linewidth=0, zorder=0)
    if events and named:
        above = axes.secondary_xaxis("top")
        above.set_xticks([(event.onset + event.offset) / 2 for event in events], [event.label for event in events],
                         rotation=VERTICAL)  # fmt: skip
        above.tick_params(length=0, pad=1)
        above.spines["top"].set_visible(False)
