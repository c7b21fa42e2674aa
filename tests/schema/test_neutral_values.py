"""Every option that is newer than the oldest results folders says which value those folders have."""

from randomnet.renamed_options import RENAMED
from randomnet.schema.config import SCHEMA, neutral_settings
from randomnet.settings.option import UNSET
from tests.support.paths import DATA

OLDEST = (DATA / "options_0.1.0.txt").read_text().split()
OF_NEWER_CHOICES = {  # read only where inference.architecture is jslds, which the oldest folders cannot have
    "inference.expansion_units",
    "inference.expansion_weight",
    "inference.approximation_weight",
}


def test_an_option_that_results_depend_on_has_a_neutral_value_if_it_is_newer_than_the_oldest_folders():
    known = {RENAMED.get(name, name) for name in OLDEST} | OF_NEWER_CHOICES
    newer = {".".join(key): option for key, option in SCHEMA.options.items() if ".".join(key) not in known}
    assert len(newer) > 20
    assert [name for name, option in newer.items() if option.identity and option.neutral is UNSET] == []


def test_a_neutral_value_is_one_that_the_option_may_have():
    for name, neutral in neutral_settings().items():
        section, _, key = name.partition(".")
        option = SCHEMA.options[section, key]
        text = ", ".join(map(str, neutral)) if isinstance(neutral, list) else str(neutral)
        if text:
            option.value.parse(text)
