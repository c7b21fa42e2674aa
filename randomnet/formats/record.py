"""The `Format` record: everything the program knows about one file format."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from randomnet.connectome import Connectome
from randomnet.formats.options import Options
from randomnet.formats.tables.reading import Table

Reader = Callable[[Path, Options], Connectome]


@dataclass(frozen=True)
class Format:
    """One file format.

    read: (path, options) -> Connectome; it raises FormatError. content: what the format expects at a path, as errors
    and documentation name it. in_folder, in_tables: recognition by content, first of a folder, then of the tables and
    arrays at a path. Each returns a phrase for the user, or "" where the content is of another format; without both,
    the format is read only where its name is given. roi: what [net] roi names, "" where it is not read. has_rois:
    whether one network covers several ROIs, of which [net] roi selects some; rois_at: the same of one path, where it
    depends on the file. has_counts: whether weights are synapse
    counts. reads: the options of OPTIONAL that the reader uses; others are refused. signs: where a neuron's sign comes
    from under sign_policy = auto. needs: optional package. source: paper or software.
    """

    read: Reader
    content: str
    in_folder: Callable[[Path], str] | None = None
    in_tables: Callable[[Path, list[Table]], str] | None = None
    roi: str = ""
    has_rois: bool = False
    rois_at: Callable[[Path, Options], bool] | None = None
    has_counts: bool = False
    reads: tuple[str, ...] = ()
    signs: str = ""
    needs: str = ""
    source: str = ""

    def selects_rois(self, path: Path, options: Options) -> bool:
        """Whether [net] roi selects some of the ROIs of the network at a path. Raises FormatError."""
        return self.rois_at(path, options) if self.rois_at else self.has_rois
