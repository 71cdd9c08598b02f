"""Keys: made once, private, safe among processes; signatures: whose, over what, and no more."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from autolog import reporting
from autolog.models import keys, signing
from autolog.models.signing import FileFacts

FILES = {"MLmodel": FileFacts(3, "ab" * 32), "model.pkl": FileFacts(5, "cd" * 32)}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "autolog"


def new_key() -> keys.SigningKey:
    return keys.SigningKey(Ed25519PrivateKey.generate())


def test_key_is_made_on_first_use_for_its_owner_alone(home: Path) -> None:
    key = keys.signing_key()
    assert key is not None
    assert (home / "signing_key").stat().st_mode & 0o777 == 0o600
    assert home.stat().st_mode & 0o777 == 0o700
    assert (home / "signing_key.pub").read_text().split()[1] == keys.shown(key.public)
    assert sorted(path.name for path in home.iterdir()) == ["signing_key", "signing_key.pub"]
    private = serialization.load_pem_private_key((home / "signing_key").read_bytes(), None)
    assert isinstance(private, Ed25519PrivateKey)
    assert private.public_key().public_bytes_raw() == key.public


def test_a_key_that_others_can_read_is_told(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    home.mkdir(parents=True)
    keys._place(home / "signing_key", new_key().pem(), 0o600)
    (home / "signing_key").chmod(0o644)
    assert keys.signing_key() is not None
    assert "open to others" in capfd.readouterr().err


def test_reading_trust_makes_no_key(home: Path) -> None:
    assert keys.trusted_signers() == {}
    assert not home.exists()


def test_processes_that_make_the_key_at_once_agree(home: Path) -> None:
    program = "from autolog.models import keys; print(keys.shown(keys.signing_key().public))"
    started = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    told = {process.communicate(timeout=60)[0].strip() for process in started}
    assert told == {(home / "signing_key.pub").read_text().split()[1]}
    assert sorted(path.name for path in home.iterdir()) == ["signing_key", "signing_key.pub"]


def test_the_slower_of_two_makers_takes_the_key_that_stands(home: Path) -> None:
    home.mkdir(parents=True)
    first = new_key()
    assert keys._place(home / "signing_key", first.pem(), 0o600)
    keys._make_key(home / "signing_key")
    key = keys.signing_key()
    assert key is not None
    assert key.public == first.public


def test_without_a_home_models_stay_unsigned_and_that_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    reporting.clear_notes()
    assert keys.signing_key() is None
    assert keys.signing_key() is None
    assert capfd.readouterr().err.count("models are saved unsigned") == 1


@pytest.mark.parametrize("form", ["path", "pem", "pem on one line"])
def test_key_of_the_setting(form: str, tmp_path: Path, home: Path) -> None:
    given = new_key()
    (tmp_path / "key.pem").write_text(given.pem())
    setting = {
        "path": str(tmp_path / "key.pem"),
        "pem": given.pem(),
        "pem on one line": given.pem().replace("\n", "\\n"),
    }[form]
    found = keys.signing_key(setting)
    assert found is not None
    assert found.public == given.public
    assert not home.exists()


def test_both_ways_of_reading_a_key_agree() -> None:
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    expected = private.public_key().public_bytes_raw()
    assert keys.SigningKey.from_pem(pem).public == expected
    assert keys.SigningKey(keys._parsed(pem)).public == expected


def test_other_kinds_of_keys_are_refused(capfd: pytest.CaptureFixture[str]) -> None:
    pem = generate_private_key(SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with pytest.raises(ValueError, match="not an Ed25519 key"):
        keys.SigningKey.from_pem(pem.decode())
    assert keys.signing_key(pem.decode()) is None
    assert "unsigned" in capfd.readouterr().err


def test_allowed_signers(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    home.mkdir(parents=True)
    ann, bob = os.urandom(32), os.urandom(32)
    text = f"""# people
ann {keys.shown(ann)}  # from the office
bob the builder {keys.shown(bob)}
{keys.shown(os.urandom(32))}
short {base64.b64encode(b"x" * 31).decode()}
eve !!!!
"""
    (home / "allowed_signers").write_text(text)
    (home / "allowed_signers").chmod(0o644)
    assert keys.trusted_signers() == {ann: "ann", bob: "bob the builder"}
    (home / "allowed_signers").chmod(0o666)
    assert keys.trusted_signers() == {}
    assert "others can write it" in capfd.readouterr().err


def test_own_keys_are_trusted_and_no_project_file_adds_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, environment, project = keys.signing_key(), new_key(), new_key()
    assert own is not None
    monkeypatch.setenv("AUTOLOG_SIGNING_KEY", environment.pem())
    (tmp_path / "key.pem").write_text(project.pem())
    (tmp_path / "pyproject.toml").write_text('[tool.autolog]\nsigning_key = "key.pem"\n')
    monkeypatch.chdir(tmp_path)
    assert keys.trusted_signers() == {own.public: "you", environment.public: "you"}


def test_signature_round_trip() -> None:
    key = new_key()
    assert signing.verify(signing.sign(FILES, key)) == (key.public, FILES)


def test_every_byte_of_the_signature_file_counts() -> None:
    content = signing.sign(FILES, new_key())
    document = json.loads(content)
    for index in range(len(content)):
        changed = bytearray(content)
        changed[index] ^= 1
        try:
            found = signing.verify(bytes(changed))
        except ValueError:
            continue
        # White space between the tokens is all that may differ.
        assert json.loads(changed) == document
        assert found.files == FILES


def test_a_signature_made_for_another_purpose_does_not_count() -> None:
    key = new_key()
    document = json.loads(signing.sign(FILES, key))
    claim = signing._message({name: document[name] for name in document if name != "signature"})
    bare = key.sign(claim.removeprefix(signing.CONTEXT))
    document["signature"] = base64.b64encode(bare).decode()
    with pytest.raises(ValueError, match="does not match"):
        signing.verify(json.dumps(document).encode())


@pytest.mark.parametrize(
    "change",
    [
        {"files": ["MLmodel"]},
        {"files": {"MLmodel": {"bytes": True, "sha256": "ab" * 32}}},
        {"files": {"MLmodel": {"bytes": 1, "sha256": "AB" * 32}}},
        {"algorithm": "none"},
        {"signature": ""},
        {"public_key": "AA=="},
        {"public_key": None},
    ],
)
def test_malformed_signatures_are_refused(change: dict[str, object]) -> None:
    document = json.loads(signing.sign(FILES, new_key()))
    with pytest.raises(ValueError):
        signing.verify(json.dumps({**document, **change}).encode())


def test_the_sign_of_a_stranger_is_his_own() -> None:
    """Replacing the public key without the private one does not hold."""
    document = json.loads(signing.sign(FILES, new_key()))
    document["public_key"] = keys.shown(new_key().public)
    with pytest.raises(ValueError, match="does not match"):
        signing.verify(json.dumps(document).encode())
