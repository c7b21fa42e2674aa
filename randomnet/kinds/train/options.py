"""What kind = train reads."""

from typing import Any

from randomnet.kinds import reads
from randomnet.settings.readers import ALL, Key, Reader, all_but

SECONDS = {"s": 1.0, "ms": 1e-3}  # units of time in which steps of a task have a duration


def _dynamics(config: Any) -> tuple[Key, str] | None:
    """Options that contradict parts of [dynamics]."""
    if not config.dynamics.has_parts:
        return None
    with_parts, dynamics = "with parts of [dynamics]", config.dynamics
    if config.model.architecture != "network":
        return ("model", "architecture"), f"network {with_parts}"
    if config.trainvalidate.state_noise:
        return ("trainvalidate", "state_noise"), f"0 {with_parts}, whose noise is dynamics.ou_noise"
    if config.execution.device.startswith("cuda"):
        return ("execution", "device"), f"auto or cpu {with_parts}"
    if not dynamics.rate_filter and config.model.tau != 1:
        return ("dynamics", "rate_filter"), "True where model.tau is not 1"
    if dynamics.plastic_input and not config.populations.external:
        return ("dynamics", "plastic_input"), "False without populations.external"
    if any(region.tau != 1 for region in config.regions.regions) and config.net.source == "regions":
        return ("regions", "regions"), f"regions without tau {with_parts} (model.tau has them by name)"
    if dynamics.nmda_fraction and "weights" in config.trained and config.net.dales_law is False:
        expected = "auto or True where weights are trained with nmda_fraction, as slow synapses are excitatory"
        return ("net", "dales_law"), expected
    return _steps_of_tasks(config)


def _steps_of_tasks(config: Any) -> tuple[Key, str] | None:
    """A step of a task in seconds is one step of the network."""
    seconds = SECONDS.get(config.dynamics.time_unit)
    if not config.has_task or seconds is None or not config.task.has("steps_per_second"):
        return None
    step = 1 / (config.trialparams.steps_per_second * seconds)
    if abs(step / config.model.dt - 1) > 1e-6:
        unit, steps = config.dynamics.time_unit, config.trialparams.steps_per_second
        return ("model", "dt"), f"{step:g} {unit}, a step of the task (trialparams.steps_per_second = {steps})"
    return None


TRAIN = Reader(
    "train",
    "Train networks on a loss of their Lyapunov spectrum, on a task, or on both.",
    reads=reads.BUILDING
    | reads.HALVED
    | {
        "net": ALL,
        "projections": ALL,
        "model": ALL,
        "dynamics": ALL,
        "lyapunov": all_but("tolerance", "tsim_max", "initial_states", "driven", "vectors"),
        "trainvalidate": all_but(*reads.DECAYS[1:]),
        "trialparams": ALL,
        "execution": ALL,
    },
    checks=(_dynamics,),
    roles=("training",),
    module="randomnet.kinds.train.run",
)
