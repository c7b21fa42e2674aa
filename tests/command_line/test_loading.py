"""Modules are loaded without garbage collection, which is on again afterwards."""

import gc

import pytest

from randomnet import compiled, loading


@pytest.fixture
def frozen(monkeypatch):
    """How often what is there was left out of later collections."""
    calls = []
    monkeypatch.setattr(gc, "freeze", lambda: calls.append(1))
    monkeypatch.setattr(loading, "_is_own_process", False)
    return calls


@pytest.mark.parametrize("own", [False, True])
def test_collection_is_off_in_the_block_alone(frozen, own):
    if own:
        loading.own_process()
    with loading.loading():
        assert not gc.isenabled()
        with loading.loading():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled() and len(frozen) == own


def test_it_is_on_again_after_an_error(frozen):
    with pytest.raises(ImportError), loading.loading():
        raise ImportError
    assert gc.isenabled()


def test_numba_is_loaded_without_collection(frozen, monkeypatch):
    during = {}
    monkeypatch.setattr(compiled, "import_module", lambda name: during.setdefault(name, gc.isenabled()))
    monkeypatch.setattr(compiled, "find_spec", lambda name: name)
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    assert compiled.is_available.__wrapped__()
    with pytest.raises(AttributeError):  # the stand-in of the library has no functions
        compiled.loops.__wrapped__(abs, "rate")
    assert during == {"numba": False, "randomnet.compiled.library": False}
