"""Translation of the predecessors' INI syntax, before options are parsed."""

import dataclasses
from collections.abc import Iterator

from randomnet.settings.literal import literal
from randomnet.settings.readers import Key
from randomnet.settings.schema import Text, Texts
from randomnet.settings.values import ConfigError

TRIALS: Key = ("trialparams", "trial_params")


def unfolded(section: str, name: str, written: Text) -> Iterator[tuple[str, str]]:
    """The options that trial_params = {...} of bio_rnn_mem sets; any other option unchanged. Raises ConfigError."""
    if (section, name.lower()) != TRIALS:
        yield name, written.text
        return
    where = f"{written.origin}: [{section}] {name}"
    for key, value in literal(written.text or "{}", where, '{"task_name": "seq_mem"}').items():
        if not isinstance(key, str) or not isinstance(value, (bool, int, float, str)):
            raise ConfigError(f"{where}: {key!r}: expected a number, a text, true or false, got {value!r}")
        yield key, value if isinstance(value, str) else repr(value)


def spelled_out(texts: Texts) -> Texts:
    """The texts with FlyStability's loss MSE_Custom replaced by mse with the target curve 1.25:-1.25."""
    loss, target = texts.get(("trainvalidate", "loss")), texts.get(("lyapunov", "target"))
    if loss is None or loss.text.strip().lower() != "mse_custom":
        return texts
    curve = Text("1.25:-1.25", loss.origin)
    if target is not None and target.text.strip() != curve.text:
        raise ConfigError(
            f"{target.origin}: [lyapunov] target: expected it left out with loss = MSE_Custom, which is loss = mse "
            f"with target = {curve.text}, got {target.text!r}"
        )
    return texts | {
        ("trainvalidate", "loss"): dataclasses.replace(loss, text="mse"),
        ("lyapunov", "target"): curve,
    }
