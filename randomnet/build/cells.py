"""From a Run's config to a task network of cells (model.architecture), which no connectome constrains."""

from typing import Any

from randomnet.architectures import CellNetwork
from randomnet.schema.plan import Run
from randomnet.tasks import TASKS


def has_cells(run: Run) -> bool:
    """Return whether the run's network consists of cells."""
    return run.config.model.architecture != "network"


def cell_network(run: Run) -> CellNetwork:
    """Return the run's network before training, float32 on the CPU."""
    model, task = run.config.model, run.config.trialparams
    channels, outputs = TASKS[task.task_name].sizes(vars(task))
    layers = {"hidden_layers": model.mlp_layers, "width": model.mlp_units}
    options = layers if model.architecture == "node" else {}
    return CellNetwork(
        model.architecture, channels, model.hidden_size, outputs, run.generator("network"), **options
    )


def cell_network_facts(network: CellNetwork) -> dict[str, Any]:
    """Return what the manifest and run.json say of the network."""
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return {
        "name": network.cell.name,
        "synthetic": False,
        "neurons": network.n,
        "source": f"{parameters} parameters, drawn anew in every iteration, constrained by no connectome",
    }
