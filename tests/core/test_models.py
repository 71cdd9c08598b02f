"""Model directories: all files or none, exact facts, and the rules by which they are loaded."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import math
import pickle
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from autolog import models
from autolog.errors import NotFound, UntrustedModel, UsageError
from autolog.models import flavors, keys, signing, yamltext
from autolog.models.directory import _Folder

ROOT = Path(__file__).parents[2]


class PairFlavor:
    """Text without code in `safe.txt`, and a pickle in `model.pkl`."""

    name = "sklearn"

    def handles(self, model: Any) -> bool:
        return isinstance(model, tuple)

    def write(self, model: Any, create: models.Create) -> models.Written:
        with create("model.pkl") as stream:
            pickle.dump(model, stream, protocol=5)
        with create("safe.txt") as stream:
            stream.write(b"safe")
        return models.Written({"file": "model.pkl"}, format="pickle", distributions=["numpy"])

    def load(self, config: Mapping[str, Any], files: models.Files) -> Any:
        if config.get("safe"):
            return files.read(config["safe"]).decode()
        return pickle.loads(files.read_code(config["file"], "a pickle"))


@pytest.fixture(autouse=True)
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(flavors, "_load", lambda path, **options: PairFlavor())


class Disk:
    """Opens files of a folder that appear at a clean exit; can fail for one of them."""

    def __init__(self, folder: Path, fails: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.fails = folder, fails
        self.appeared: list[str] = []

    @contextlib.contextmanager
    def __call__(self, name: str) -> Iterator[BinaryIO]:
        stream = io.BytesIO()
        yield stream
        if name == self.fails:
            raise OSError(28, "No space left on device")
        (self.folder / name).write_bytes(stream.getvalue())
        self.appeared.append(name)


def save(folder: Path, model: Any = (1, 2), **options: Any) -> dict[str, Any]:
    options = {"limit": 10**6, "key": keys.signing_key(), **options}
    return models.save(model, PairFlavor(), Disk(folder), **options)


# -- writing -------------------------------------------------------------------------------


def test_facts_are_those_of_the_files(tmp_path: Path) -> None:
    key = keys.signing_key()
    assert key is not None
    signature = {"inputs": [{"type": "long"}], "outputs": None}
    value = save(tmp_path / "m", signature=signature, extra={"run": "ab" * 16})
    files = {path.name: path.read_bytes() for path in (tmp_path / "m").iterdir()}
    assert value["sha256"] == {n: hashlib.sha256(c).hexdigest() for n, c in files.items()}
    assert value["bytes"] == sum(map(len, files.values()))
    assert value["signer"] == keys.shown(key.public)
    assert (value["flavor"], value["class"], value["format"]) == (
        "sklearn",
        "builtins.tuple",
        "pickle",
    )
    assert value["signature"] == signature
    described = yaml.safe_load(files["MLmodel"])
    assert described["metadata"]["run"] == "ab" * 16
    assert json.loads(described["signature"]["inputs"]) == [{"type": "long"}]
    assert described["signature"]["outputs"] is None
    assert models.describe(tmp_path / "m") == described
    signed = signing.verify(files["signature.json"]).files
    assert {name: facts.sha256 for name, facts in signed.items()} == {
        name: digest for name, digest in value["sha256"].items() if name != "signature.json"
    }


def test_environment_files_can_be_read_by_their_tools(tmp_path: Path) -> None:
    save(tmp_path / "m")
    pins = (tmp_path / "m/requirements.txt").read_text().splitlines()
    assert [pin.partition("==")[0] for pin in pins] == ["numpy"]
    virtual = yaml.safe_load((tmp_path / "m/python_env.yaml").read_text())
    assert "-r requirements.txt" in virtual["dependencies"]
    conda = yaml.safe_load((tmp_path / "m/conda.yaml").read_text())
    assert pins[0] in conda["dependencies"][-1]["pip"]


def test_the_description_appears_last(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "m")
    models.save((1,), PairFlavor(), disk, limit=10**6, key=keys.signing_key())
    assert disk.appeared[0] == "model.pkl"
    assert disk.appeared[-1] == "MLmodel"


@pytest.mark.parametrize("size", [0, 100, 5_000, 50_000])
def test_beyond_the_limit_nothing_is_left(tmp_path: Path, size: int) -> None:
    model = (b"x" * size,)
    limit = save(tmp_path / "whole", model)["bytes"]
    with pytest.raises(models.ModelTooLarge) as caught:
        save(tmp_path / "m", model, limit=limit - 1)
    assert list((tmp_path / "m").iterdir()) == []
    assert caught.value.bytes >= limit - 1
    unsaved = models.unsaved(model, PairFlavor(), caught.value)
    assert unsaved["error"].startswith("ModelTooLarge: ")
    assert unsaved["bytes"] == caught.value.bytes
    assert save(tmp_path / "again", model, limit=limit)["bytes"] == limit


def test_large_models_are_cut_off_early(tmp_path: Path) -> None:
    with pytest.raises(models.ModelTooLarge) as caught:
        save(tmp_path / "m", tuple(bytes([n]) * 100_000 for n in range(100)), limit=250_000)
    assert caught.value.bytes < 500_000


@pytest.mark.parametrize("name", ["model.pkl", "signature.json", "MLmodel"])
def test_a_full_disk_leaves_no_description(tmp_path: Path, name: str) -> None:
    disk = Disk(tmp_path / "m", fails=name)
    with pytest.raises(OSError, match="No space"):
        models.save((1,), PairFlavor(), disk, limit=10**6, key=keys.signing_key())
    assert "MLmodel" not in disk.appeared
    if name == "model.pkl":
        assert disk.appeared == []


def test_a_file_given_up_does_not_count(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "m")
    with _Folder(disk, 100) as folder:
        with contextlib.suppress(ZeroDivisionError), folder.create("a") as stream:
            stream.write(b"x" * 90)
            _ = 1 // 0
        folder.put("a", b"y" * 90)
    assert folder.size == 90
    assert folder.files["a"].sha256 == hashlib.sha256(b"y" * 90).hexdigest()
    assert disk.appeared == ["a"]


def test_declared_flavors_are_the_built_in_ones() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"][flavors.GROUP] == flavors.BUILT_IN


# -- YAML ----------------------------------------------------------------------------------

HARD = {
    "plain": "text",
    "yes": "no",
    "odd key: [": {"": None, "é": True, "true": False, "Upper": 1},
    "text": ["~", "1e3", "2026-11-23", "a\nb\t\\\"'", "\x7f\x85\u2028\ufeff\x00", "😀", " "],
    "numbers": [0, -1, 10**30, 1.5, -0.0, 1e-7, 1e22, 1.25e-300],
    "empty": [{}, [], ""],
    "deep": [[["x"], {"a": [{"b": "c"}]}], {"d": {"e": {}}}],
}


def test_yaml_is_what_others_read() -> None:
    text = yamltext.emit(HARD)
    assert yaml.safe_load(text) == HARD
    assert yamltext._parse_subset(text) == HARD
    special = yaml.safe_load(yamltext.emit({"n": [math.nan, math.inf, -math.inf]}))["n"]
    assert math.isnan(special[0])
    assert special[1:] == [math.inf, -math.inf]


def test_yaml_of_others_is_read() -> None:
    text = "flavors:\n  sklearn: {a: b, c: 'd'}\n  x:\n  - 1\n  - y\n# end\ntime: 2026-11-23\n"
    assert yamltext.parse(text) == yaml.safe_load(text)


@pytest.mark.parametrize("text", ["", "- a", "a: [", "a: !!python/object/apply:os.system [x]", "x"])
def test_no_description_is_an_error_in_one_line(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        yamltext.parse(text)
    assert "\n" not in str(caught.value)


def test_without_a_yaml_library_ours_are_read_and_others_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "yaml", None)
    save(tmp_path / "m", (5,))
    assert models.load_model(tmp_path / "m") == (5,)
    with pytest.raises(UsageError, match="pip install pyyaml"):
        yamltext.parse("a: b")


# -- loading -------------------------------------------------------------------------------


class Bomb:
    """Its unpickling would create a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> keys.SigningKey:
    return keys.SigningKey(Ed25519PrivateKey.generate())


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "executed"


def test_own_models_load_without_a_word(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], mark: Path
) -> None:
    save(tmp_path / "m", (1, "two"))
    assert models.load_model(tmp_path / "m") == (1, "two")
    assert capfd.readouterr() == ("", "")
    save(tmp_path / "bomb", (Bomb(mark),))
    models.load_model(tmp_path / "bomb")
    assert mark.exists(), "the bomb of these tests works"


def test_unsigned_pickles_need_trust(tmp_path: Path, mark: Path) -> None:
    save(tmp_path / "m", (Bomb(mark),), key=None)
    with pytest.raises(UntrustedModel, match=r"nobody signed it.*trust=True"):
        models.load_model(tmp_path / "m")
    assert not mark.exists()
    models.load_model(tmp_path / "m", trust=True)
    assert mark.exists()


def test_a_strangers_pickles_need_trust_or_his_name(
    tmp_path: Path, mark: Path, stranger: keys.SigningKey
) -> None:
    save(tmp_path / "m", (Bomb(mark),), key=stranger)
    with pytest.raises(UntrustedModel) as caught:
        models.load_model(tmp_path / "m")
    assert not mark.exists()
    message = str(caught.value)
    assert keys.fingerprint(stranger.public) in message
    assert "trust=True" in message
    line = message.rpartition("as the line: ")[2].replace("NAME", "colleague")
    (keys.folder() / "allowed_signers").write_text(line + "\n")
    models.load_model(tmp_path / "m")
    assert mark.exists()


@pytest.mark.parametrize("name", ["model.pkl", "MLmodel"])
@pytest.mark.parametrize("trust", [False, True])
def test_an_altered_file_is_refused_even_under_the_own_key(
    tmp_path: Path, name: str, trust: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    save(tmp_path / "m", ("abcdef",))
    path = tmp_path / "m" / name
    path.write_bytes(path.read_bytes().replace(b"abcdef", b"abcdeX") + b"\n")
    if trust:
        assert models.load_model(tmp_path / "m", trust=True)[0].startswith("abcde")
        assert f"although {name} is not what" in capfd.readouterr().err
    else:
        with pytest.raises(models.AlteredModel, match=f"{name} is not what .* altered"):
            models.load_model(tmp_path / "m")


def test_every_byte_of_the_pickle_counts(tmp_path: Path) -> None:
    save(tmp_path / "m", ("some", 1.5))
    path = tmp_path / "m" / "model.pkl"
    content = path.read_bytes()
    for index in range(len(content)):
        changed = bytearray(content)
        changed[index] ^= 0x40
        path.write_bytes(changed)
        with pytest.raises(models.AlteredModel):
            models.load_model(tmp_path / "m")


def test_a_pickle_of_another_signed_directory_is_refused(tmp_path: Path, mark: Path) -> None:
    save(tmp_path / "m")
    save(tmp_path / "other", (Bomb(mark),))
    (tmp_path / "m/model.pkl").write_bytes((tmp_path / "other/model.pkl").read_bytes())
    with pytest.raises(models.AlteredModel):
        models.load_model(tmp_path / "m")
    assert not mark.exists()


def test_a_signature_without_the_file_does_not_vouch_for_it(tmp_path: Path, mark: Path) -> None:
    save(tmp_path / "m", (Bomb(mark),), key=None)
    key = keys.signing_key()
    assert key is not None
    mlmodel = (tmp_path / "m/MLmodel").read_bytes()
    facts = {"MLmodel": signing.FileFacts(len(mlmodel), hashlib.sha256(mlmodel).hexdigest())}
    (tmp_path / "m/signature.json").write_bytes(signing.sign(facts, key))
    with pytest.raises(models.AlteredModel, match=r"model\.pkl is not among the files"):
        models.load_model(tmp_path / "m")
    assert not mark.exists()


def test_a_description_that_points_to_an_unsigned_file_is_refused(
    tmp_path: Path, mark: Path
) -> None:
    save(tmp_path / "m")
    (tmp_path / "m/evil.pkl").write_bytes(pickle.dumps(Bomb(mark)))
    mlmodel = tmp_path / "m/MLmodel"
    mlmodel.write_text(mlmodel.read_text().replace("model.pkl", "evil.pkl"))
    with pytest.raises(models.AlteredModel, match="MLmodel"):
        models.load_model(tmp_path / "m")
    assert not mark.exists()


def test_a_broken_signature_is_refused_and_a_missing_one_is_none(tmp_path: Path) -> None:
    save(tmp_path / "m")
    (tmp_path / "m/signature.json").write_text("{}")
    with pytest.raises(models.AlteredModel, match=r"signature\.json is not valid"):
        models.load_model(tmp_path / "m")
    (tmp_path / "m/signature.json").unlink()
    with pytest.raises(UntrustedModel, match="nobody signed it"):
        models.load_model(tmp_path / "m")


def test_exactly_the_verified_bytes_are_used(tmp_path: Path, mark: Path) -> None:
    """A directory that answers otherwise the second time: what it gives then is not loaded."""
    save(tmp_path / "m", ("good",))
    asked: list[str] = []

    def open_file(name: str) -> BinaryIO:
        asked.append(name)
        if asked.count(name) > 1:
            return io.BytesIO(pickle.dumps(Bomb(mark)))
        return (tmp_path / "m" / name).open("rb")

    assert models.load_model(open_file) == ("good",)
    assert sorted(asked) == ["MLmodel", "model.pkl", "signature.json"]


def test_formats_without_code_need_no_signature_but_are_checked_against_one(
    tmp_path: Path,
) -> None:
    document = {"flavors": {"sklearn": {"safe": "safe.txt"}}}
    (tmp_path / "MLmodel").write_text(yamltext.emit(document))
    (tmp_path / "safe.txt").write_text("safe")
    assert models.load_model(tmp_path) == "safe"
    key = keys.signing_key()
    assert key is not None
    facts = {
        path.name: signing.FileFacts(
            path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest()
        )
        for path in (tmp_path / "MLmodel", tmp_path / "safe.txt")
    }
    (tmp_path / "signature.json").write_bytes(signing.sign(facts, key))
    assert models.load_model(tmp_path) == "safe"
    (tmp_path / "safe.txt").write_text("evil")
    with pytest.raises(models.AlteredModel):
        models.load_model(tmp_path)


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "a/../../secret", "..\\secret", "a\0b", ".."]
)
def test_no_file_outside_of_the_directory_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_text("secret")
    folder = tmp_path / "m"
    folder.mkdir()
    document = {"flavors": {"sklearn": {"safe": name}}}
    (folder / "MLmodel").write_text(yamltext.emit(document))
    with pytest.raises(UsageError, match="outside of the model's directory"):
        models.load_model(folder, trust=True)


def test_foreign_loaders_are_never_imported(tmp_path: Path, mark: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code/evil_loader.py").write_text(f"open({str(mark)!r}, 'w')")
    document = {"flavors": {"python_function": {"loader_module": "evil_loader", "code": "code"}}}
    (tmp_path / "MLmodel").write_text(yamltext.emit(document))
    for trust in (False, True):
        with pytest.raises(UsageError, match="no integration here"):
            models.load_model(tmp_path, trust=trust)
    assert not mark.exists()


def test_no_model_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="holds no MLmodel"):
        models.load_model(tmp_path)
    (tmp_path / "MLmodel").write_text("a: 1")
    with pytest.raises(UsageError, match="names no flavors"):
        models.load_model(tmp_path)
