"""What kind = responses reads: a measured table, how a network is stimulated, and how both are compared."""

from dataclasses import dataclass
from typing import Any

from randomnet.kinds import reads
from randomnet.settings.option import Condition, Section, option
from randomnet.settings.readers import ALL, Key, Reader
from randomnet.settings.values import Choice, Integer, Number, Value

SIMULATED = Condition("responses.method = simulated", lambda config: config.responses.method == "simulated")
PULSED = Condition(
    "responses.quantity is peak, or integral with responses.method = simulated",
    lambda config: config.responses.quantity in (("peak", "integral") if _simulated(config) else ("peak",)),
)
TIMED = Condition(
    "responses.method = simulated, or responses.quantity = peak",
    lambda config: _simulated(config) or config.responses.quantity == "peak",
)
CLOSED_FORM = Condition(
    "responses.method = linear, and responses.quantity is not peak",
    lambda config: not _simulated(config) and config.responses.quantity != "peak",
)
FITTED = Condition("responses.gains_by names a label", lambda config: _fitted(config))


def _simulated(config: Any) -> bool:
    return bool(config.responses.method == "simulated")


def _fitted(config: Any) -> bool:
    return bool(CLOSED_FORM.holds(config) and config.responses.gains_by)


@dataclass(frozen=True)
class ResponsesSection(Section):
    """[responses] Responses of a network to input into each neuron, beside measured ones. Times are in tau."""

    method: str = option(
        Choice(("linear", "simulated")),
        "linear",
        "linear: responses of the network linearised at its fixed point. simulated: of the network itself, all "
        "stimulated copies side by side.",
        neutral="linear",
    )
    quantity: str = option(
        Choice(("steady", "integral", "peak")),
        "steady",
        "steady: change of the rates under an input that stays. integral: of the response to a pulse, over time. peak: "
        "largest change after a pulse, with its sign. With method = linear, steady and integral are the same.",
        neutral="steady",
    )
    strength: float = option(
        Number(0, above=True),
        0.1,
        "Size of the input into the stimulated neuron. Responses are divided by it.",
        only=SIMULATED,
        neutral=0.1,
    )
    pulse: float = option(Number(0, above=True), 1.0, "Duration of a pulse.", only=PULSED, neutral=1.0)
    response_time: float = option(
        Number(0, 100_000, above=True),
        30.0,
        "Time from the beginning of the input to the end.",
        only=TIMED,
        neutral=30.0,
    )
    rest_time: float = option(
        Number(0, 100_000),
        100.0,
        "Time that the network has to settle from silence. Its fixed point is refined from there, and inputs start "
        "at it.",
        neutral=100.0,
    )
    restrict: str = option(
        Choice(("none", "measured")),
        "none",
        "none: the network has all neurons of the connectome, and paths may lead through neurons that were not "
        "measured. measured: it has only those of the table; the others are left out before null models and "
        "normalization.",
        neutral="none",
    )
    q: float = option(
        Number(0, 1, above=True),
        0.05,
        "A pair has responded where its measured q (false discovery rate) is below this.",
        neutral=0.05,
    )
    occurrences: int = option(
        Integer(1),
        1,
        "Pairs that were measured less often are left out, where the table has occurrences.",
        neutral=1,
    )
    bootstrap: int = option(
        Integer(200, 100_000),
        2000,
        "Samples of stimulated neurons from which intervals are computed.",
        neutral=2000,
    )
    permutations: int = option(
        Integer(10, 100_000),
        200,
        "Permutations of the neurons' identities, from which the AUC expected without them is computed.",
        neutral=200,
    )
    gains_by: str = option(
        Value(),
        "",
        "Kind of label, such as role. The neurons of each class share a gain, which is fitted to the measured "
        "responses and cross-validated over stimulated neurons. Empty = no gains.",
        only=CLOSED_FORM,
        neutral="",
    )
    folds: int = option(
        Integer(2, 100), 5, "Parts of the stimulated neurons for cross-validation.", only=FITTED, neutral=5
    )


def _table(config: Any) -> tuple[Key, str] | None:
    if not config.paths.responses:
        return ("paths", "responses"), "a table of measured responses with kind = responses"
    if config.has_task:
        return ("trialparams", "task_name"), "none with kind = responses"
    if config.model.integrator == "rk4":
        return ("model", "integrator"), "euler with kind = responses"
    if config.drawn_at_random:
        return ("net", "roi"), "a connectome, whose neurons have the names of the measured ones"
    if PULSED.holds(config) and config.responses.pulse > config.responses.response_time:
        return ("responses", "pulse"), "at most response_time"
    return None


RESPONSES = Reader(
    "responses",
    "Compare the response of every neuron to input into every other one with measured responses.",
    reads=reads.BUILDING | {"responses": ALL},
    sections={"responses": ResponsesSection},
    defaults=reads.EXACT,
    checks=(_table,),
    roles=("responses",),
    module="randomnet.kinds.responses.run",
)
