"""Checkpoints and models that are damaged or of other content: runs start anew, sources end in one line."""

import pytest
import torch

from randomnet import results
from randomnet.artifacts.inferred_models import load_inferred
from randomnet.artifacts.trained_networks import load_trained
from randomnet.kinds.checkpoints import continued, read_checkpoint, torch_bytes
from randomnet.settings import ConfigError


class Two:
    """A network with two values."""

    def values(self):
        return {"weights": torch.zeros(3), "gains": torch.ones(2)}


def state(**changes):
    whole = {"progress": {}, "optimizer": {"updates": 0, "means": []}, "values": Two().values(), "objective": None}
    return whole | changes


WHOLE = {"seconds": 1.0, "training": [state()], "initial": []}


@pytest.mark.parametrize(
    "content",
    [
        {**WHOLE, "seconds": "1"},
        {**WHOLE, "training": []},
        {**WHOLE, "training": [state(), state()]},
        {**WHOLE, "training": [3]},
        {**WHOLE, "training": [state(values={"weights": torch.zeros(4), "gains": torch.ones(2)})]},
        {**WHOLE, "training": [state(values={"weights": torch.zeros(3)})]},
        {**WHOLE, "training": [state(values={"weights": 3, "gains": 2})]},
        {**WHOLE, "training": [state(optimizer={"updates": 0})]},
        {name: value for name, value in WHOLE.items() if name != "initial"},
        [1, 2],
        torch.zeros(3),
        b"",
        b"hello",
        b"[" * 100_000,
    ],
)
def test_a_checkpoint_that_does_not_fit_is_set_aside(tmp_path, content):
    path, device = tmp_path / "checkpoint.pt", torch.device("cpu")
    path.write_bytes(torch_bytes(WHOLE))
    assert continued([path], read_checkpoint(path, device), [Two()], ["initial"])["seconds"] == 1
    path.write_bytes(content if isinstance(content, bytes) else torch_bytes(content))
    assert continued([path], read_checkpoint(path, device), [Two()], ["initial"]) is None
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.damaged"]


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", [1], 3, {}, {"network": 3}, {"network": {}, "best": {}}, {"network": {"n": -1}, "best": None},
     {"network": {"architecture": "no"}, "best": {}}, {"description": [], "best": {}}],
)  # fmt: skip
def test_a_model_that_is_none_is_one_line(tmp_path, content):
    path = tmp_path / "model.pt"
    path.write_bytes(content if isinstance(content, bytes) else torch_bytes(content))
    for load in (load_trained, load_inferred):
        with pytest.raises(ConfigError, match=r"\[source\] folder: expected a model\.pt") as error:
            load(results.RunFolder(tmp_path))
        assert len(str(error.value).splitlines()) == 1
