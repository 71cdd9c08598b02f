"""Ed25519 keys: the user's own, made on first use, and those of the people whom he trusts.

`$XDG_CONFIG_HOME/autolog/` holds `signing_key` (his own, mode 0600), `signing_key.pub` (to give to
others) and `allowed_signers`.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import os
import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from .. import reporting

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

# An Ed25519 key in PKCS#8 (RFC 8410) is these bytes and the 32 of the seed. Reading and writing
# it so saves the 15 ms of importing `cryptography`'s serialisation in every program that saves.
_PKCS8 = bytes.fromhex("302e020100300506032b657004220420")
_BEGIN, _END = "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"


class SigningKey:
    """An Ed25519 private key."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public: bytes = private.public_key().public_bytes_raw()

    @classmethod
    def from_pem(cls, text: str) -> SigningKey:
        """The key of an unencrypted PEM text; raises ValueError for anything else."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        body = "".join(line for line in text.split("\n") if not line.startswith("-----"))
        der = base64.b64decode(body)
        if der.startswith(_PKCS8) and len(der) == len(_PKCS8) + 32:
            return cls(Ed25519PrivateKey.from_private_bytes(der[len(_PKCS8) :]))
        return cls(_parsed(text))

    def sign(self, message: bytes) -> bytes:
        """64 bytes."""
        return self._private.sign(message)

    def pem(self) -> str:
        """The private key as PEM text (PKCS#8, unencrypted)."""
        body = base64.b64encode(_PKCS8 + self._private.private_bytes_raw()).decode("ascii")
        return f"{_BEGIN}\n{body}\n{_END}\n"


def _parsed(text: str) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        private = load_pem_private_key(text.encode(), None)
    except TypeError as error:
        raise ValueError(str(error)) from None
    if not isinstance(private, Ed25519PrivateKey):
        raise ValueError("not an Ed25519 key")
    return private


def shown(public: bytes) -> str:
    """A public key as it stands in `allowed_signers`: base64."""
    return base64.b64encode(public).decode("ascii")


def fingerprint(public: bytes) -> str:
    """A short name of a public key for people to read; never compared by the code."""
    return f"ed25519:{hashlib.sha256(public).hexdigest()[:16]}"


# -- the user's own folder -----------------------------------------------------------------


def folder() -> Path:
    """Where keys are: `$XDG_CONFIG_HOME/autolog`, else `~/.config/autolog`."""
    given = os.environ.get("XDG_CONFIG_HOME")
    return Path(given or Path.home() / ".config") / "autolog"


def signing_key(setting: str | None = None) -> SigningKey | None:
    """The key that signs: of `setting` (a path, or PEM text), else the user's own, made if absent.

    None where there is none to be had, which is said once; models then stay unsigned.
    """
    try:
        if setting:
            return _given_key(setting)
        return _own_key(str(folder() / "signing_key"))
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        what = f"models are saved unsigned: {type(error).__name__}: {error}".splitlines()[0]
        reporting.note("signing", what)
        reporting.say(what, once="signing")
        return None


@functools.lru_cache(maxsize=8)
def _given_key(setting: str) -> SigningKey:
    if "-----BEGIN" in setting:
        return SigningKey.from_pem(setting.replace("\\n", "\n"))
    return SigningKey.from_pem(Path(setting).expanduser().read_text("ascii"))


@functools.lru_cache(maxsize=8)
def _own_key(path: str) -> SigningKey:
    file = Path(path)
    if not file.exists():
        _make_key(file)
    if os.name == "posix" and file.stat().st_mode & 0o077:
        reporting.say(f"{file} is open to others (chmod 600)", once=path)
    return SigningKey.from_pem(file.read_text("ascii"))


def _make_key(file: Path) -> None:
    """Put a new key at `file`; where another process was faster, its key stays."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = SigningKey(Ed25519PrivateKey.generate())
    if _place(file, key.pem(), 0o600):
        owner = re.sub(r"[^A-Za-z0-9_.@-]", "_", os.environ.get("USER") or "me")
        with contextlib.suppress(OSError):
            _place(file.with_suffix(".pub"), f"{owner} {shown(key.public)}\n", 0o644)


def _place(file: Path, text: str, mode: int) -> bool:
    """Write a new file, whole or not at all; False where there is one already."""
    draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(descriptor)
        return _link(draft, file)
    finally:
        with contextlib.suppress(OSError):
            draft.unlink()


def _link(draft: Path, file: Path) -> bool:
    try:
        file.hardlink_to(draft)
    except FileExistsError:
        return False
    except OSError:
        # No hard links here: two processes may now both rename, and the later key stays.
        if file.exists():
            return False
        draft.rename(file)
    return True


# -- whom the loading user trusts ----------------------------------------------------------


def trusted_signers() -> dict[bytes, str]:
    """Public keys that the loading user trusts, by name: his own (`you`) and `allowed_signers`.

    His own are the one of his folder and the one of `AUTOLOG_SIGNING_KEY`. A `signing_key` in
    `pyproject.toml` does not count: that file may have come with the model.
    """
    found = _allowed()
    for read in (_own_if_any, _key_of_environment):
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            if (key := read()) is not None:
                found[key.public] = "you"
    return found


def _own_if_any() -> SigningKey | None:
    file = folder() / "signing_key"
    return _own_key(str(file)) if file.exists() else None


def _key_of_environment() -> SigningKey | None:
    setting = os.environ.get("AUTOLOG_SIGNING_KEY")
    return _given_key(setting) if setting else None


def _allowed() -> dict[bytes, str]:
    """`allowed_signers`: a line each of name and base64 public key; `#` begins a comment."""
    found: dict[bytes, str] = {}
    try:
        file = folder() / "allowed_signers"
        if os.name == "posix" and file.stat().st_mode & 0o022:
            reporting.say(f"{file} is ignored: others can write it (chmod 644)", once=str(file))
            return found
        lines = file.read_text("utf-8", "replace").splitlines()
    except (OSError, RuntimeError):
        return found
    for line in lines:
        name, _, key = line.partition("#")[0].strip().rpartition(" ")
        with contextlib.suppress(ValueError):
            public = base64.b64decode(key, validate=True)
            if name and len(public) == 32:
                found[public] = name.strip()
    return found
