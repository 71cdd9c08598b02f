"""Central policy: told by a server, kept to where the user has opted in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from autolog.policy import keep_to_policies
from autolog.settings import resolve


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory, tools: Any) -> Any:
    folder = tmp_path_factory.mktemp("policy")
    asked = {
        "backends": ["https://other.example*"],
        "models": False,
        "max_model_size": 1000,
        "exclude": ["record:dataset"],
        "nonsense": {"a": 1},
    }
    (folder / "policy.json").write_text(json.dumps(asked))
    with tools.serving(folder, "--policy", str(folder / "policy.json")) as served:
        yield served


def test_settings_are_narrowed_and_what_was_told_is_kept(
    strict: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("AUTOLOG_TOKEN", strict.token)
    given = [strict.url, "https://other.example/x", str(tmp_path / "here")]
    call = {"backend": given, "policy": True, "exclude": ["keras"]}
    for _ in range(2):  # the second time the server is away
        settings = resolve(call)
        keep_to_policies(settings)
        assert settings.backend == (strict.url, "https://other.example/x")
        assert settings.exclude == ("keras", "record:dataset", "record:model")
        assert settings.exclusions.drops("model", "model")
        assert settings.max_model_size == 1000
        strict.process.terminate()
        strict.process.wait(timeout=60)
    assert "lets nothing be recorded in" in capfd.readouterr().err


def test_a_server_that_never_told_narrows_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    settings = resolve({"backend": ["http://127.0.0.1:9"], "policy": True})
    keep_to_policies(settings)
    assert settings.exclude == ()
    assert settings.backend == ("http://127.0.0.1:9",)


@pytest.mark.parametrize("text", ["[]", '{"models": 3}', "{", '{"backends": "https://x"}'])
def test_a_policy_that_is_none_keeps_the_server_from_starting(
    tmp_path: Path, tools: Any, text: str
) -> None:
    path = tmp_path / "policy.json"
    path.write_text(text)
    done = tools.command("server", "--port", "0", "--policy", str(path))
    assert done.returncode == 2
    assert f"--policy {path}: " in done.stderr


def test_nobody_is_asked_unless_the_user_wants_it(tmp_path: Path) -> None:
    import autolog

    autolog.autolog(backend=["http://127.0.0.1:9"])
    assert "autolog.policy" not in __import__("sys").modules or not resolve({})["policy"]
    autolog.disable()
