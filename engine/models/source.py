"""Where a model reference points: a bundled model, a local folder or a Hub repository.

Lists and reads small files only; weights move in `Source.fetch` alone, after the checks.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HTTPError,  # pyright: ignore[reportPrivateImportUsage]  (the HTTP client differs by version)
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)

from engine.errors import ModelNotFound, UnsafeModel
from engine.models.catalogue import bundled_models

WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"
SMALL_FILES = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
    WEIGHTS_INDEX,
)
"""The only files besides weights that are ever taken from the Hub: no code, no pickles."""

_HUB_ID = re.compile(r"[\w][\w.-]*/[\w][\w.-]*", re.ASCII)
_HUB_TIMEOUT_S = 3.0
_LARGEST_JSON = 64 * 2**20
_OFFER = (
    "Use a bundled name ({names}), a model's folder, or a Hub id such as openai-community/gpt2."
)


@dataclass(frozen=True)
class Source:
    """A place that holds a model.

    Attributes:
        ref: what the user wrote.
        files: size in bytes by path within the model's folder, "/" between the parts.
        folder: the local folder, or None for a Hub repository that must be downloaded.
        revision: commit of the Hub repository the listing came from; None for a folder.
        sha256: of those files whose hash the Hub tells without a download.
        gated: whether the Hub asks to accept terms first, which this machine's account has done.
    """

    ref: str
    files: dict[str, int]
    folder: Path | None
    revision: str | None = None
    sha256: dict[str, str] = field(default_factory=dict)
    gated: bool = False

    def read_json(self, name: str) -> dict[str, Any]:
        """Parse one of the small JSON files.

        Raises:
            UnsafeModel: it is huge, not JSON, or not an object.
        """
        if self.files[name] > _LARGEST_JSON:
            raise UnsafeModel(
                f"{name} of {self.ref} has {self.files[name]:,} bytes, far too many.",
                "Get a clean copy of the model.",
            )
        path = self.folder / name if self.folder else self._download([name]) / name
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
            raise UnsafeModel(
                f"{name} of {self.ref} is not valid JSON.", "Get a clean copy of the model."
            ) from error
        if not isinstance(content, dict):
            raise UnsafeModel(
                f"{name} of {self.ref} is not a JSON object.", "Get a clean copy of the model."
            )
        return content

    def fetch(self, weight_files: list[str]) -> Path:
        """The local folder with the small files and these weights, downloaded if need be."""
        return self.folder or self._download([*SMALL_FILES, *weight_files])

    def _download(self, patterns: list[str]) -> Path:
        try:
            return Path(
                snapshot_download(
                    self.ref,
                    revision=self.revision,
                    allow_patterns=patterns,
                    etag_timeout=_HUB_TIMEOUT_S,
                )
            )
        except (HTTPError, OSError) as error:
            raise ModelNotFound(
                f"Downloading {self.ref} from the Hub failed: {_first_line(error)}",
                "Check the connection and the free disk space, then try again.",
            ) from error


def find(ref: str, revision: str | None = None) -> Source:
    """What a reference points at. Asks the Hub only for something of the form owner/name.

    Args:
        ref: what the user wrote.
        revision: commit of a Hub repository; None takes its newest.

    Raises:
        ModelNotFound: nothing answers to the reference; says what was tried.
        UnsafeModel: a file of the folder is a link to somewhere else.
    """
    for model in bundled_models():
        if model.name == ref:
            return _local(ref, model.folder)
    path = Path(ref).expanduser()
    if ref.strip() and path.is_dir():
        return _local(ref, path)
    if ref.strip() and path.exists():
        raise ModelNotFound(
            f"{ref} is a file, not a model.", "Give the folder that holds config.json."
        )
    if _HUB_ID.fullmatch(ref) and "--" not in ref and ".." not in ref:
        return _from_hub(ref, revision)
    raise ModelNotFound(f"No bundled model and no folder is called {ref!r}.", _offer())


def _offer() -> str:
    return _OFFER.format(names=", ".join(m.name for m in bundled_models()) or "none here")


def _local(ref: str, folder: Path, revision: str | None = None) -> Source:
    folder = folder.resolve()
    # A folder of the Hub's cache, models--x/snapshots/<commit>, links to models--x/blobs.
    home = folder.parent.parent if folder.parent.name == "snapshots" else folder
    files: dict[str, int] = {}
    for path in sorted(folder.iterdir()):
        if not path.resolve().is_relative_to(home):
            raise UnsafeModel(
                f"{path.name} in {ref} is a link to a place outside the model's folder.",
                "Copy the real files into the folder.",
            )
        if path.is_file():
            files[path.name] = path.stat().st_size
    return Source(ref, files, folder, revision)


def _from_hub(ref: str, revision: str | None) -> Source:
    """List a Hub repository; without a connection, take what the Hub's cache holds."""
    # The API call comes first because it fails at once where downloads retry for 20 s.
    try:
        info = HfApi().model_info(
            ref, revision=revision, files_metadata=True, timeout=_HUB_TIMEOUT_S
        )
    except GatedRepoError as error:
        raise ModelNotFound(
            f"{ref} on the Hub is gated.",
            "Accept its terms on huggingface.co and run `hf auth login`.",
        ) from error
    except RepositoryNotFoundError as error:
        raise ModelNotFound(
            f"There is no folder {ref}, and no public Hub repository of that name.", _offer()
        ) from error
    except (HTTPError, OSError) as error:
        try:
            cached = Path(snapshot_download(ref, revision=revision, local_files_only=True))
            return _local(ref, cached, cached.name)  # the folder is called after its commit
        except LocalEntryNotFoundError:
            raise ModelNotFound(
                f"There is no folder {ref}, the Hub cannot be reached ({_first_line(error)}), "
                "and its cache on this machine does not hold the model.",
                f"Connect to the internet, or choose what is on this machine. {_offer()}",
            ) from error
    files = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    hashes = {file.rfilename: file.lfs.sha256 for file in info.siblings or () if file.lfs}
    return Source(ref, files, None, info.sha, hashes, bool(info.gated))


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
