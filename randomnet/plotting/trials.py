"""What figures along the trials of a task share: how conditions are told apart, and where its events are."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from randomnet.plotting.style import COLOURS, DASHES, Series

SHADED = ("0.93", "0.88")  # of bands, one after the other
TURNED = 90


@dataclass(frozen=True)
class Event:
    """What happens at the same time in all trials; onset and offset in tau."""

    label: str
    onset: float
    offset: float


def condition_series(names: Sequence[str], texts: Sequence[str]) -> list[Series]:
    """How each condition is drawn, with its text for the legend.

    Names of two words, such as AC go, have the colour of the first word and the dash of the second, as far as there
    are as many; others have a colour each.
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
    """A band for each event; where they are to be named, above the axes, which sets their names upright."""
    for number, event in enumerate(events):
        shade = SHADED[number % len(SHADED)]
        axes.axvspan(event.onset, event.offset, color=shade, linewidth=0, zorder=0)
    if events and named:
        above = axes.secondary_xaxis("top")
        above.set_xticks([(event.onset + event.offset) / 2 for event in events], [event.label for event in events],
                         rotation=TURNED)  # fmt: skip
        above.tick_params(length=0, pad=1)
        above.spines["top"].set_visible(False)
