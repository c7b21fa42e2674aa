"""What an epoch of a task is compared with: its bare matrix products, and the training loop of bio_rnn_mem."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from randomnet.objectives import Batch, TaskObjective
from randomnet.rnn import Network

LOSSES = {"squared": torch.nn.MSELoss, "bits": torch.nn.MSELoss, "classes": torch.nn.CrossEntropyLoss}


def products(network: Network, objective: TaskObjective) -> Callable[[], None]:
    """Return a job that computes the matrix products of one epoch and nothing else.

    A batch with T steps has T products with J forwards and T backwards, and one of all steps for the gradient of J. The
    weights of inputs and readout have one of all steps forwards and one backwards. Validation has the forward ones.
    """
    with torch.no_grad():
        matrix = network.dynamics().coupling.values
    transposed = matrix.mT.contiguous()
    into, out = network.interface["input_weights"].detach(), network.interface["readout_weights"].detach()
    training = [_arrays(batch, matrix, out) for batch in objective.training]
    validation = _arrays(objective.validation, matrix, out)

    def forward(rates: Tensor, inputs: Tensor) -> None:
        inputs @ into.mT
        for step in rates:
            step @ transposed
        rates.flatten(0, 1) @ out.mT

    @torch.no_grad()
    def epoch() -> None:
        for rates, inputs, outputs in training:
            forward(rates, inputs)
            outputs @ out
            for step in rates:
                step @ matrix
            flat = rates.flatten(0, 1)
            for others in (flat, inputs, outputs):
                others.mT @ flat
        forward(*validation[:2])

    return epoch


def _arrays(batch: Batch, matrix: Tensor, out: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    inputs = batch.inputs.flatten(0, 1)
    rates = torch.rand(*batch.inputs.shape[:2], len(matrix)).to(matrix)
    return rates, inputs, torch.rand(len(inputs), len(out)).to(matrix)


class _Elman(torch.nn.Module):
    """torch.nn.RNN with a linear readout."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        into, out = network.interface["input_weights"], network.interface["readout_weights"]
        options = {"nonlinearity": network.activation.name, "batch_first": True}
        self.rnn = torch.nn.RNN(into.shape[1], network.n, **options)
        self.fc = torch.nn.Linear(network.n, len(out))
        self.load_state_dict(network.elman_state_dict())
        self.to(into)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.fc(self.rnn(inputs)[0])


class TorchLoop:
    """A plain training loop: torch.nn.RNN, a DataLoader and Adam; a call trains one epoch.

    In every batch absent edges are found and zeroed by index, scored steps are selected by index, and validation builds
    a graph too (bio_rnn_mem, its defect 18). Raises ValueError for any other network than Elman's with tanh or relu.
    """

    def __init__(self, network: Network, objective: TaskObjective, lr: float) -> None:
        if not is_comparable(network, objective):
            raise ValueError(
                "torch.nn.RNN has only dt = 1, form = rate, and tanh or relu without gains and shifts; the loop only "
                f"the losses {', '.join(LOSSES)}"
            )
        self.model = _Elman(network)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=lr)
        self.loss_function = LOSSES[objective.loss]()
        size = objective.training[0].inputs.shape[1]
        self.training, self.validation = _loader(objective.training, size), _loader((objective.validation,), size)

    def __call__(self) -> None:
        recurrent = self.model.rnn.weight_hh_l0
        absent = recurrent.detach() == 0
        for batch in self.training:
            loss = self._loss(*batch)
            self.optimizer.zero_grad()
            loss.backward()
            recurrent.grad[absent.nonzero(as_tuple=True)] = 0
            self.optimizer.step()
            loss.item()
        for batch in self.validation:
            self._loss(*batch).item()

    def _loss(self, inputs: Tensor, targets: Tensor, scored: Tensor) -> Tensor:
        return self.loss_function(self.model(inputs)[scored], targets[scored])


def is_comparable(network: Network, objective: TaskObjective) -> bool:
    """Return whether torch.nn.RNN can be the same network, and the loop has the objective's loss."""
    if objective.loss not in LOSSES:
        return False
    trained = network.gains.free is not None or network.shifts.free is not None
    elman = network.dt == 1 and network.leaks is None and network.form == "rate"
    return elman and network.activation.name in ("tanh", "relu") and not trained


def _loader(batches: tuple[Batch, ...], size: int) -> DataLoader:
    def concatenated(name: str) -> Tensor:
        return torch.cat([getattr(batch, name).transpose(0, 1) for batch in batches])

    scored = concatenated("weights") > 0
    scored = scored[..., 0] if scored.ndim == 3 else scored
    return DataLoader(TensorDataset(concatenated("inputs"), concatenated("targets"), scored), batch_size=size)
