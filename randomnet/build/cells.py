"""Task networks of cells, which no connectome constrains: model.architecture."""

from typing import Any

from randomnet.architectures import CellNetwork
from randomnet.schema.plan import Run
from randomnet.tasks import TASKS


def is_celled(run: Run) -> bool:
    """Whether the run's network is one of cells."""
    return run.config.model.architecture != "network"


def network_of(run: Run) -> CellNetwork:
    """The run's network before training, float32 on the CPU."""
    chosen, task = run.config.model, run.config.trialparams
    channels, outputs = TASKS[task.task_name].sizes(vars(task))
    layers = {"hidden_layers": chosen.mlp_layers, "width": chosen.mlp_units}
    options = layers if chosen.architecture == "node" else {}
    return CellNetwork(
        chosen.architecture, channels, chosen.hidden_size, outputs, run.generator("network"), **options
    )


def facts_of(network: CellNetwork) -> dict[str, Any]:
    """What the manifest and run.json say of it."""
    parameters = sum(one.numel() for one in network.parameters())
    return {
        "name": network.cell.name,
        "synthetic": False,
        "neurons": network.n,
        "source": f"{parameters} parameters, drawn anew in every iteration, constrained by no connectome",
    }
