"""Download of public connectomes: `archives` has their registry, `download` the transfer."""

from randomnet.fetch.archives import ARCHIVES, Archive, FetchError, File, archive_named, next_steps
from randomnet.fetch.download import DownloadError, fetch

__all__ = ["ARCHIVES", "Archive", "DownloadError", "FetchError", "File", "archive_named", "fetch", "next_steps"]
