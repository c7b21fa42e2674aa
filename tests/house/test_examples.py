"""Every public function of these packages has an example in its docstring, and all examples run."""

import doctest
import inspect
from importlib import import_module

import pytest

PACKAGES = ("analysis", "inference", "metrics", "multiregion", "notebook", "recordings", "simulation", "systems")


def public_functions():
    for package in PACKAGES:
        module = import_module(f"randomnet.{package}")
        for name in module.__all__:
            function = getattr(module, name)
            if inspect.isfunction(function):
                yield f"{package}.{name}", function


@pytest.mark.parametrize(("name", "function"), [pytest.param(*pair, id=pair[0]) for pair in public_functions()])
def test_the_example_of_a_function_runs(name, function):
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    names = {**inspect.getmodule(inspect.unwrap(function)).__dict__}
    tests = doctest.DocTestFinder(recurse=False).find(function, name, globs=names)
    assert sum(len(test.examples) for test in tests) > 0, "give it an example"
    runner = doctest.DocTestRunner(optionflags=flags)
    for test in tests:
        runner.run(test)
    assert not runner.failures
