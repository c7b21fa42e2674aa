"""What the commands print, on consoles of any encoding."""

import sys


def print_in_any_encoding() -> None:
    """Let stdout and stderr print `?` for a character that their encoding lacks, such as the τ of a Windows pipe."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
