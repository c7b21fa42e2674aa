"""Random changes of texts, JSON records and bytes, as edits and broken disks make them."""

import copy
import json

import numpy as np
import torch

VALUES = [None, True, -1, 0, 1.5, 10**12, 10**400, 1e308, float("nan"), "", "x" * 5000, [], {}, [[]], {"a": {}}, [None],
          "../../etc", "\x1b[31m", "\u202e", {"combo": 0}]  # fmt: skip
WORDS = [
    *("", "-1", "0", "1e999", "nan", "inf", "10**12", "9" * 30, "x" * 5000, "[]", "{}", "[[]]", "None", "auto"),
    "True",
    *("1, 2", "E: 1", ": :", "=", "%(x)s", "${a}", "\x00", "\x1b[31m", "\u202e", "../..", "/", "~", "1 2 3", "é"),
    *("null", "uniform 0", '{"lr": []}', '{"lr": [1, 1]}', '{"": [1]}', '{"a": {"b": []}}'),
]
NEAR = ["0", "1", "2", "3", "7", "0.5", "1.5", "0.01", "auto", "False", "True", "2, 3", "0:1", "10 %", "random", "none"]


def places(value, path=()):
    """Yield the path of every part of a JSON value, but its own."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from places(item, (*path, key))


def mutated_record(record, rng):
    """A copy of a JSON record with one part set, removed or doubled."""
    record = copy.deepcopy(record)
    *path, last = rng.choice(list(places(record)))
    target = record
    for key in path:
        target = target[key]
    change = rng.choice(["set", "set", "remove", "double"])
    if change == "set":
        target[last] = rng.choice(VALUES)
    elif change == "remove":
        del target[last]
    elif isinstance(target, list):
        target.append(copy.deepcopy(target[last]))
    else:
        target[f"{last}_"] = target[last]
    return record


def mutated_bytes(content, rng):
    """Bytes that are cut, have flipped bits, or are replaced or repeated."""
    content = bytearray(content)
    change = rng.choice(["cut", "flip", "flip", "empty", "zero", "text", "nest", "repeat", "swap"])
    if change == "cut":
        return bytes(content[: rng.randrange(len(content) + 1)])
    if change == "flip":
        for _ in range(5 if content else 0):
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        return bytes(content)
    if change == "swap" and len(content) > 8:
        place = rng.randrange(len(content) - 8)
        content[place : place + 8] = content[place : place + 8][::-1]
        return bytes(content)
    return {"empty": b"", "zero": bytes(len(content)), "text": b"hello\n", "nest": b"[" * 100_000}.get(
        change, bytes(content) * 2
    )


def mutated_array(array, rng):
    """An array of another shape or kind of values."""
    changes = [array.ravel(), array[..., None], array.ravel()[:0], array[: len(array) // 2] if array.ndim else array,
               array.T, array[None], array.astype(str), np.array(3.0), np.zeros((2, 0, 3)), np.array([[1.0, 2.0]]),
               np.full(array.shape, np.nan), np.full(array.shape, 1e300), np.full(array.shape, -1)]  # fmt: skip
    return rng.choice(changes)


def mutated_arrays(path, rng):
    """Change one array of a .npz, or leave it out."""
    with np.load(path) as file:
        arrays = dict(file)
    name = rng.choice(sorted(arrays))
    changed = mutated_array(arrays.pop(name), rng)
    np.savez_compressed(path, **arrays, **({name: changed} if rng.random() < 0.9 else {}))


def mutated_tensors(path, rng):
    """Change one part of a file of torch, a tensor to one of another shape or kind."""
    record = torch.load(path, weights_only=True)
    *where, last = rng.choice(list(places(record)))
    target = record
    for key in where:
        target = target[key]
    if isinstance(target[last], torch.Tensor) and target[last].ndim:
        array = mutated_array(target[last].numpy(), rng)
        target[last] = torch.from_numpy(array.copy()) if array.dtype.kind == "f" else rng.choice(VALUES)
    else:
        target[last] = rng.choice(VALUES)
    torch.save(record, path)


def mutated_file(path, rng):
    """Change a file in place: JSON mostly as a record, arrays and tensors mostly as these, any other as bytes."""
    content = path.read_bytes()
    change = {".npz": mutated_arrays, ".pt": mutated_tensors}.get(path.suffix)
    if change and rng.random() < 0.7:
        return change(path, rng)
    if path.suffix == ".json" and rng.random() < 0.7:
        text = json.dumps(mutated_record(json.loads(content), rng))
        return path.write_text(text)
    return path.write_bytes(mutated_bytes(content, rng))


def mutated_lines(text, rng):
    """Lines of an INI of which some are removed, doubled, moved, or have another value or key."""
    lines = text.splitlines()
    for _ in range(rng.choice([1, 1, 2, 4])):
        place = rng.randrange(len(lines))
        change = rng.choice(["value", "value", "value", "remove", "double", "move", "key", "bytes"])
        name, equals, _ = lines[place].partition("=")
        if change == "value":
            lines[place] = f"{name}= {rng.choice(rng.choice([WORDS, NEAR]))}" if equals else rng.choice(WORDS)
        elif change == "remove" and len(lines) > 1:
            del lines[place]
        elif change == "double":
            lines.insert(place, lines[place])
        elif change == "move":
            lines.insert(rng.randrange(len(lines)), lines.pop(place))
        elif change == "key":
            lines[place] = lines[place].replace(rng.choice("aeioust"), rng.choice("xyz_ -["), 1)
        else:
            lines[place] = mutated_bytes(lines[place].encode(), rng)[:9000].decode("latin-1")
    return "\n".join(lines) + "\n"
