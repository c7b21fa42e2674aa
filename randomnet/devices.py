"""The device that networks are computed on: the CPU, or a GPU of this machine, which worker processes share evenly.

`device = auto` takes a GPU from AUTO_NEURONS neurons on. The number is a rule, not a measurement: below it, the steps
of a network should be less work than the calls that begin them on a GPU.
"""

import torch

AUTO_NEURONS = 1000
BUDGET = 2e9  # bytes of a batch of runs on the CPU
FREE_SHARE = 0.8  # of a GPU's free memory: the rest is for what is not counted

_place = 0


def take_place(place: int) -> None:
    """Let this process be one of several workers, counted from 0; each takes its own GPU, or in turn if too few."""
    global _place
    _place = place


def check(wanted: str) -> None:
    """Raise ValueError where this machine lacks the device: auto, cpu, cuda, or a GPU such as cuda:1."""
    kind, _, index = wanted.partition(":")
    if kind != "cuda":
        return
    if not torch.cuda.is_available():
        raise ValueError(f"expected a CUDA device with device = {wanted}, got a machine without one")
    number = torch.cuda.device_count()
    if index and int(index) >= number:
        known = ", ".join(f"cuda:{each}" for each in range(number))
        raise ValueError(f"expected a GPU of this machine ({known}), got {wanted}")


def device_for(wanted: str, neurons: int | None = None) -> torch.device:
    """Return the device of a network of so many neurons in this process. neurons: None where size does not matter.

    wanted: auto, cpu, cuda or a GPU such as cuda:1. Raises ValueError as `check`.
    """
    check(wanted)
    kind, _, index = wanted.partition(":")
    large = neurons is None or neurons >= AUTO_NEURONS
    if kind == "cpu" or not torch.cuda.is_available() or not (kind == "cuda" or large):
        return torch.device("cpu")
    return torch.device("cuda", int(index) if index else _place % max(1, torch.cuda.device_count()))


def workers_for(wanted: str) -> int:
    """Return how many processes share the machine's GPUs evenly: one each."""
    return 1 if ":" in wanted else max(1, torch.cuda.device_count())


def budget(megabytes: float | str, device: torch.device, workers: int = 1) -> float:
    """Return the bytes that a batch of runs may need; auto follows the free memory of a GPU, of which workers share."""
    if not isinstance(megabytes, str):
        return megabytes * 1e6
    if device.type != "cuda":
        return BUDGET
    together = -(-workers // max(1, torch.cuda.device_count()))
    return FREE_SHARE * torch.cuda.mem_get_info(device)[0] / together


def name_of(device: torch.device) -> str:
    """Return the device with its name, such as 'cuda: NVIDIA H200', without its number; 'cpu'."""
    return f"cuda: {torch.cuda.get_device_name(device)}" if device.type == "cuda" else device.type
