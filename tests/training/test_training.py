"""The training loop: what it keeps, when it ends, and that it can go on from any checkpoint."""

import numpy as np
import pytest
import torch

from randomnet.connectome import from_dense
from randomnet.objectives import Measurement
from randomnet.rnn import Network
from randomnet.training import Interrupted, Settings, fit


def network(seed=0, n=6, trainable=("weights", "gains", "shifts"), **options):
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((n, n)) * (rng.random((n, n)) < 0.6)
    np.fill_diagonal(matrix, 0)
    connectome = from_dense("test", matrix, np.array([str(i) for i in range(n)]))
    sizes = {"weights": len(connectome.weights), "gains": n, "shifts": n}
    return Network(connectome, trainable={name: np.arange(sizes[name]) for name in trainable}, **options)


class Whole:
    """An objective of one batch, from a function network -> loss."""

    def __init__(self, loss):
        self.loss = loss

    def batches(self):
        return (None,)

    def measure(self, networks, batch, evaluation=False):
        return [Measurement(self.loss(trained)) for trained in networks]

    def validate(self, networks, epoch):
        return [{} for _ in networks]

    def select(self, indices):
        return self

    def states(self):
        return [{}]

    def load_state(self, states):
        pass


def train(
    trained, objective, *, save_checkpoint=lambda state: None, resume=None, stop=bool, checkpoint_every=None, **settings
):
    """One network by itself."""
    (progress,) = fit(
        [trained],
        objective,
        [Settings(**settings)],
        checkpoint_every=checkpoint_every,
        save_checkpoint=lambda states: save_checkpoint(states[0]),
        resume=resume and [resume],
        stop=stop,
    )
    return progress


def distance(to):
    """A loss with a known minimum: every gain at `to`."""
    return Whole(lambda trained: (trained.gains() - to).square().sum())


def test_it_descends_to_a_known_minimum_and_records_every_epoch():
    trained = network()
    progress = train(trained, distance(3.0), optimizer="SGD", lr=0.1, epochs=50)
    assert [row["epoch"] for row in progress.history] == list(range(51))
    assert progress.history[0]["train_loss"] == pytest.approx(6 * 4.0)
    # every update shrinks the distance by 1 - 2 lr
    losses = [row["train_loss"] for row in progress.history]
    assert losses == pytest.approx([24.0 * 0.8 ** (2 * epoch) for epoch in range(51)], rel=1e-6)
    # the gradient of row e is that of the update that led to it
    norms = [row["grad_norm_gains"] for row in progress.history[1:]]
    assert norms == pytest.approx([2 * loss**0.5 for loss in losses[:-1]], rel=1e-6)
    assert "grad_norm_gains" not in progress.history[0] and "seconds" not in progress.history[0]
    assert torch.equal(progress.last["gains"], trained.gains().detach())


def test_gradients_are_clipped_per_parameter_and_both_norms_recorded():
    progress = train(network(), distance(3.0), optimizer="SGD", lr=0.1, epochs=1, clip_norm=0.5)
    row = progress.history[1]
    assert row["grad_norm_gains"] == pytest.approx(2 * 2 * np.sqrt(6))
    assert row["clipped_norm_gains"] == 0.5
    moved = (progress.last["gains"] - 1).norm()
    assert float(moved) == pytest.approx(0.05, rel=1e-6)


def test_best_is_the_network_that_gave_the_lowest_loss():
    losses = iter([5.0, 2.0, 3.0, 4.0, 4.5])
    seen = []

    def objective(trained):
        seen.append(trained.gains().detach().clone())
        return trained.gains().sum() * 0 + trained.shifts().sum() + next(losses)

    trained = network(trainable=("gains", "shifts"))
    progress = train(trained, Whole(objective), optimizer="SGD", lr=0.0, epochs=4)
    assert (progress.best_epoch, progress.best_loss) == (1, 2.0)
    assert torch.equal(progress.best["gains"], seen[1])


def test_early_stopping_counts_epochs_without_a_lower_loss():
    losses = iter([5.0, 4.0, 4.0, 4.5, 4.0, 1.0])  # after the fifth it stops, with an update, which the sixth is of
    progress = train(
        network(),
        Whole(lambda trained: trained.gains().sum() * 0 + next(losses)),
        optimizer="Adam",
        lr=0.1,
        epochs=6,
        early_stopping=3,
    )
    assert progress.epoch == 5 and [row["epoch"] for row in progress.history] == list(range(6))
    assert "3 epochs" in progress.reason
    assert (progress.best_epoch, progress.final_loss) == (5, 1.0)
    assert not progress.diverged


@pytest.mark.parametrize(
    ("window", "tolerance", "epochs", "reason"),
    [
        (3, 0.2, 6, "train_loss flat: 3 epochs within 0.2"),
        (2, 0.2, 3, "train_loss flat: 2 epochs within 0.2"),
        (4, 0.2, 7, ""),
        (3, 0.1, 7, ""),
        (0, 9.0, 7, ""),
    ],
)
def test_it_stops_once_the_losses_of_a_window_are_flat(window, tolerance, epochs, reason):
    losses = iter([5.0, 4.0, 4.1, 3.0, 3.1, 2.95, 2.0, 2.0])
    progress = train(
        network(),
        Whole(lambda trained: trained.gains().sum() * 0 + next(losses)),
        optimizer="Adam",
        lr=0.1,
        epochs=7,
        flat_window=window,
        flat_tolerance=tolerance,
    )
    assert (progress.epoch, progress.reason, progress.diverged) == (epochs, reason, False)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_ends_the_run_at_the_last_finite_values(bad):
    factors = iter([1.0, 1.0, bad])
    trained = network()
    states = []

    def objective(now):
        states.append(now.gains().detach().clone())
        return now.gains().square().sum() * next(factors)

    progress = train(trained, Whole(objective), optimizer="Adam", lr=0.1, epochs=10)
    assert progress.diverged
    assert progress.reason.startswith("epoch 2: the loss is")
    assert len(progress.history) == 2
    assert torch.equal(progress.last["gains"], states[1])
    assert torch.equal(trained.gains().detach(), states[1])


def test_a_gradient_that_is_not_finite_is_never_stepped_along():
    def objective(trained):
        return trained.gains().sub(1).sum().sqrt()  # 0 with an infinite slope

    trained = network(trainable=("gains",))
    progress = train(trained, Whole(objective), optimizer="Adam", lr=0.1, epochs=3)
    assert progress.diverged
    assert "gradient of gains" in progress.reason
    assert torch.equal(trained.gains().detach(), torch.ones(6, dtype=torch.float64))


@pytest.mark.parametrize("optimizer", ["Adam", "RMSprop", "SGD", "AdamW"])
@pytest.mark.parametrize("stopped_at", [1, 4])
def test_going_on_from_a_checkpoint_gives_the_same_bits(optimizer, stopped_at, tmp_path):
    settings = {"optimizer": optimizer, "lr": 0.05, "epochs": 7}
    whole = train(network(), distance(2.0), **settings)
    kept = {}
    calls = iter(range(100))

    def keep(state):
        torch.save(state, tmp_path / "checkpoint.pt")
        kept["epoch"] = len(state["progress"]["history"])

    with pytest.raises(Interrupted):
        train(network(), distance(2.0), **settings, save_checkpoint=keep, stop=lambda: next(calls) == stopped_at)
    assert kept["epoch"] == stopped_at
    resumed = train(
        network(seed=0), distance(2.0), **settings, resume=torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    )
    assert [row["train_loss"] for row in resumed.history] == [row["train_loss"] for row in whole.history]
    for name in ("weights", "gains", "shifts"):
        assert torch.equal(resumed.last[name], whole.last[name])
        assert torch.equal(resumed.best[name], whole.best[name])


def test_checkpoints_come_when_they_are_due():
    epochs = []
    train(
        network(),
        distance(2.0),
        optimizer="Adam",
        lr=0.1,
        epochs=7,
        checkpoint_every=3,
        save_checkpoint=lambda state: epochs.append(len(state["progress"]["history"])),
    )
    assert epochs == [3, 6]


def test_batches_count_by_their_weight_and_each_makes_an_update():
    class Batches(Whole):
        def batches(self):
            return (1.0, 3.0)

        def measure(self, networks, batch, evaluation=False):
            return [Measurement(networks[0].gains().sum() * 0 + batch, {"figure": 10 * batch}, weight=batch)]

        def validate(self, networks, epoch):
            return [{"validate_loss": [9.0, 5.0, 1.0, 2.0][epoch]}]

    progress = train(network(), Batches(None), optimizer="SGD", lr=0.1, epochs=3)
    assert [row["validate_loss"] for row in progress.history] == [9.0, 5.0, 1.0, 2.0]
    for row in progress.history:
        assert row["train_loss"] == pytest.approx((1 * 1 + 3 * 3) / 4)
        assert row["figure"] == pytest.approx((1 * 10 + 3 * 30) / 4)
    assert (progress.best_loss, progress.best_epoch) == (1.0, 2)


def test_with_a_validation_the_best_values_are_those_it_saw():
    class Validated(Whole):
        def validate(self, networks, epoch):
            seen.append(networks[0].gains().detach().clone())
            return [{"validate_loss": [9.0, 5.0, 1.0, 2.0][epoch]}]

    seen = []
    progress = train(network(), Validated(distance(3.0).loss), optimizer="SGD", lr=0.1, epochs=3)
    assert progress.best_epoch == 2 and torch.equal(progress.best["gains"], seen[2])


def test_the_final_loss_is_that_of_the_last_network_which_may_be_the_best():
    trained = network()
    progress = train(trained, distance(3.0), optimizer="SGD", lr=0.1, epochs=5)
    assert progress.final_loss == pytest.approx(24.0 * 0.8 ** (2 * 5), rel=1e-9)
    assert progress.final_loss == progress.history[-1]["train_loss"] < progress.history[-2]["train_loss"]
    assert (progress.best_loss, progress.best_epoch) == (progress.final_loss, 5)
    assert torch.equal(progress.best["gains"], trained.gains().detach())


def test_what_is_final_of_a_training_that_diverged_is_the_row_of_the_network_it_went_back_to():
    losses = iter([4.0, 3.0, 2.0, float("nan")])  # of the untrained network, and before the updates of three epochs

    class Validated(Whole):
        def measure(self, networks, batch, evaluation=False):
            return [Measurement(networks[0].gains().sum() * 0 + next(losses))]

        def validate(self, networks, epoch):
            path.append(networks[0].gains().detach().clone())
            return [{"validate_loss": [9.0, 5.0, 1.0][epoch]}]

    path = []
    progress = train(network(), Validated(None), optimizer="SGD", lr=0.1, epochs=9)
    assert progress.diverged and progress.reason.startswith("epoch 2: the loss is nan")
    assert [row["epoch"] for row in progress.history] == [0, 1, 2]
    assert progress.last_epoch == 1 and torch.equal(progress.last["gains"], path[1])
    assert progress.final_loss == progress.history[1]["train_loss"] == 3.0


def test_a_loss_whose_first_gradient_is_not_finite_is_that_of_the_untrained_network():
    trained = network(trainable=("gains",))
    objective = Whole(lambda now: now.gains().sub(1).abs().sum().sqrt() + 2)
    progress = train(trained, objective, optimizer="Adam", lr=0.1, epochs=3)
    assert progress.diverged and [row["epoch"] for row in progress.history] == [0]
    assert progress.final_loss == 2.0 and progress.last_epoch == 0
