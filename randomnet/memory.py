"""The memory of this machine."""

import ctypes
import os
import sys


def machine_memory() -> int:
    """Bytes of this machine's memory; more than any has where the system does not say, so that nothing is refused."""
    if hasattr(os, "sysconf"):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return _windows_memory() if hasattr(ctypes, "windll") else sys.maxsize


def _windows_memory() -> int:
    """ullTotalPhys of the structure MEMORYSTATUSEX."""
    status = (ctypes.c_uint64 * 8)(ctypes.sizeof(ctypes.c_uint64 * 8))  # its size, and the load in percent, come first
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # type: ignore[attr-defined]
    return int(status[1])
