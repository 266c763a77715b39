"""The key of a data directory, and signatures made with it (HMAC with SHA-256, RFC 2104).

What a signature proves: whoever can read the key made it, and the signed bytes have not changed
since. The key is the installation's own secret, so the owner of the data directory can check a
signature and could as well make any. To an outsider it proves nothing by itself; he compares the
manifest's SHA-256 with the one that the maker gave him on another way. Neither proves when
something was signed, nor that the numbers in it were measured honestly.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from engine.directories import data_directory
from engine.errors import EngineError

KEY_FILE = "signing.key"
_BYTES = 32


def key() -> bytes:
    """The data directory's key, made on first use and readable by its owner only.

    Raises:
        EngineError: the file holds no key.
    """
    file = data_directory() / KEY_FILE
    with contextlib.suppress(FileExistsError):
        _make(file)
    return _read(file)


def known_key() -> bytes | None:
    """The key, if this data directory has one: to check a signature none must be made."""
    file = data_directory() / KEY_FILE
    return _read(file) if file.is_file() else None


def _read(file: Path) -> bytes:
    found = file.read_bytes()
    if len(found) != _BYTES:
        raise EngineError(
            f"{file.name} in the data directory holds no key.",
            "Put the right file back, or remove it: a new key is made, and packs signed with the"
            " old one can then no longer be checked here.",
        )
    return found


def _make(file: Path) -> None:
    """Whole or not at all: two programs may ask for the key at once, and must get the same."""
    partial = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(secrets.token_bytes(_BYTES))
        os.link(partial, file)  # fails where there is one already; a rename would replace it
    finally:
        partial.unlink(missing_ok=True)


def key_id(secret: bytes) -> str:
    """A name for the key that gives nothing of it away."""
    return hashlib.sha256(b"t2r-studio signing key\0" + secret).hexdigest()[:16]


def signature(content: bytes, secret: bytes) -> str:
    """HMAC-SHA-256 in lower-case hex."""
    return hmac.new(secret, content, hashlib.sha256).hexdigest()


def fits(content: bytes, given: str, secret: bytes) -> bool:
    """Whether the signature is this key's."""
    return hmac.compare_digest(signature(content, secret).encode(), given.strip().encode())
