"""Axes say in words, with units, what an option is; every option that a template varies has words."""

import re

import pytest

from randomnet.plotting.option_words import OPTION_WORDS, words
from tests.support.paths import ROOT

GRIDS = re.compile(r"(?:combos_params|sample) = \{(.*?)\}", re.DOTALL)
TEMPLATES = [ROOT / "config.ini", *sorted((ROOT / "config").glob("*.ini"))]


def gridded_options():
    grids = [grid for path in TEMPLATES for grid in GRIDS.findall(path.read_text(encoding="utf-8"))]
    return sorted({name for grid in grids for name in re.findall(r'"([\w.]+)"\s*:', grid)})


@pytest.mark.parametrize("option", gridded_options())
def test_every_option_that_a_template_varies_has_words(option):
    assert words(option) != option
    assert "_" not in words(option)


def test_times_and_exponents_have_the_unit_of_time():
    assert words("tsim") == words("lyapunov.tsim") == "averaging time (τ)"
    assert words("tons", "ms") == "time between reorthonormalizations (ms)"
    assert words("target") == "target exponent (1/τ)"


def test_a_key_below_an_option_is_named_after_its_words():
    assert words("populations.couplings.EE") == "strength J of EE"


def test_an_option_without_words_keeps_its_name():
    assert words("model.unheard_of") == "model.unheard_of"


def test_words_hold_no_braces_but_the_unit():
    assert not any(set("{}$") & set(words(option)) for option in OPTION_WORDS)
