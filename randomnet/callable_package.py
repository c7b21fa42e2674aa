"""Packages that are also functions: `randomnet.connectome` has modules, and reads a connectome when called."""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _CallablePackage(ModuleType):
    """A package whose call is that of the function named by its `__call_target__`, `module:function`."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        """The result of the function."""
        module, _, name = self.__call_target__.partition(":")
        return getattr(import_module(module), name)(*args, **options)


def make_callable(package: str, target: str) -> None:
    """Let calls of an imported package be those of `target`, `module:function`, which is imported at the first call."""
    module = sys.modules[package]
    module.__dict__["__call_target__"] = target
    module.__class__ = _CallablePackage
