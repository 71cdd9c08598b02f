"""Secrets go, wherever they stand; whatever only looks alike stays, as the same object."""

from __future__ import annotations

import inspect
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils import all_estimators

from autolog.redact import REDACTED, redact, redact_text, secret_name

# Made of two parts so that no search for secrets takes this file for a leak.
DIGITS = "0a1B2c3D4e5F6g7H8i9J"
TOKENS = [
    "AKI" + "A" + "ABCDEFGHIJ123456",
    "ASI" + "A" + "ABCDEFGHIJ123456",
    *(f"gh{letter}" + "_" + DIGITS * 2 for letter in "pousr"),
    "github" + "_pat_" + DIGITS * 3,
    "glp" + "at-" + DIGITS,
    "xox" + "b-123456789012-" + DIGITS,
    "xapp" + "-1-A0-" + DIGITS,
    "sk" + "_live_" + DIGITS,
    "rk" + "_test_" + DIGITS,
    "sk" + "-" + DIGITS * 2,
    "sk" + "-proj-" + DIGITS,
    "sk" + "-ant-api03-" + DIGITS,
    "gs" + "k_" + DIGITS * 2,
    "h" + "f_" + DIGITS * 2,
    "AI" + "za" + (DIGITS * 2)[:35],
    "ya" + "29." + DIGITS,
    "GOC" + "SPX-" + DIGITS,
    "np" + "m_" + DIGITS * 2,
    "py" + "pi-" + DIGITS * 3,
    "da" + "pi" + "0123456789abcdef" * 2,
    "dckr" + "_pat_" + DIGITS,
    "S" + "G." + DIGITS + "aa." + DIGITS * 3,
    "ey" + "JhbGciOiJIUzI1NiJ9.ey" + "JzdWIiOiIxMjM0In0." + DIGITS,
    "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEow\nabc==\n-----END RSA " + "PRIVATE KEY-----",
    "-----BEGIN OPENSSH " + "PRIVATE KEY-----\n+b3Blbn\n+cut off",
]
CANARY = "hunter2/Canary+x=="
PLACES = [
    "--password={}",
    "--api-key {} train.py",
    "train.py --hf_token={} --epochs 3",
    "--db.password {}",
    "AWS_SECRET_ACCESS_KEY={}",
    "export WANDB_API_KEY={}",
    "Server=db;User Id=me;Password={};Encrypt=yes",
    "Driver=x;UID=me;PWD={};",
    "DefaultEndpointsProtocol=https;AccountName=n;AccountKey={};EndpointSuffix=net",
    '{{"client_secret": "{}"}}',
    "{{'access_token': '{}'}}",
    'password = "{}"',
    '+    api_key="{}",',
    "password: {}",
    "X-Api-Key: {}",
    "Authorization: Bearer {}",
    "authorization: token {}",
    'curl -H "Authorization: Basic {}" x',
    "headers={{'Authorization': 'Bearer {}'}}",
    "https://host/path?access_token={}&page=2",
    "failed: secret_key => '{}'",
    "bad: password: {}",
    "  token: {}",
]
URLS = [
    "postgresql://me:{}@host:5432/db",
    "https://x-access-token:{}@github.com/a/b.git",
    "redis://:{}@cache/0",
    "origin  mysql+pymysql://root:{}@h/d (fetch)",
]


@pytest.mark.parametrize("token", TOKENS, ids=range(len(TOKENS)))
@pytest.mark.parametrize("around", ["{}", "before {} after", "x='{}'", "/path?q={}&r=1", '["{}"]'])
def test_tokens_are_known_by_their_shape(token: str, around: str) -> None:
    found = redact_text(around.format(token))
    assert REDACTED in found
    assert token not in found
    assert token[-12:] not in found
    assert redact_text(found) is found


@pytest.mark.parametrize("place", PLACES)
def test_secrets_are_known_by_their_place(place: str) -> None:
    found = redact_text(place.format(CANARY))
    assert found == place.format(REDACTED)
    assert redact_text(found) is found


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("password", ["canary", "p@ss:word", "%20x!", "a" * 2000])
def test_passwords_in_urls(url: str, password: str) -> None:
    found = redact_text(url.format(password))
    assert found == url.format(REDACTED)
    assert redact_text(found) is found


def test_more_places() -> None:
    long = "canary" * 5
    assert redact_text(f"https://{long}@github.com/a") == f"https://{REDACTED}@github.com/a"
    hook = "https://hooks.slack.com/services/"
    assert redact_text(f"{hook}T0/B0/{long}") == hook + REDACTED
    signed = "https://s3/x?X-Amz-Signature="
    assert redact_text(f"{signed}{long}&a=1") == f"{signed}{REDACTED}&a=1"
    assert long not in redact_text(f"sent Bearer {long}")


HARMLESS = [
    "",
    "lbfgs",
    "token_pattern=(?u)\\b\\w\\w+\\b",
    "max_tokens=512 n_tokens: 3",
    "--max-tokens 512 --tokenizer bert-base-cased",
    "password_hash_rounds = 12",
    "keyboard=1 monkey: 2 key=value primary_key: id",
    "def login(password: str, token: str | None = None) -> bool:",
    "client = connect(password=args.password, token=self.token)",
    'token = os.environ["TOKEN"]; password = getpass()',
    "the secret of success is: work",
    "https://github.com/owner/repo.git",
    "ssh://git@github.com/owner/repo",
    "git@github.com:owner/repo.git",
    "http://localhost:5000/a@b",
    "file:///home/user/a:b@c",
    "sk-learn-is-short-for-scikit-learn-and-long-enough",
    "risk-0123456789abcdefghij0123456789abcdefghij",
    "half_0123456789abcdefghij0123456789abcdefghij",
    "4be1c02d9f0e4be1c02d9f0e4be1c02d9f0e4be1",
    "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "PWD=/home/user/project",
    "bearer of the certificate",
    "eyJ is how base64 of JSON begins",
    "token",
    "--token",
    "password=",
    "unexpected token: expected ')'",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_alike_stays(text: str) -> None:
    assert redact_text(text) is text


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "PASSWORD",
        "Api-Key",
        "apiKey",
        "api_key",
        "clf__password",
        "db.client_secret",
        "hub_token",
        "AWS_SECRET_ACCESS_KEY",
        "private_key",
        "HF_TOKEN",
        "_secret",
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert secret_name(name)
    assert redact(name, "x") == REDACTED
    assert redact(name, 12345) == REDACTED
    assert redact(name, ["a", "b"]) == REDACTED
    for nothing in (None, True, False, "", REDACTED):
        assert redact(name, nothing) is nothing


@pytest.mark.parametrize(
    "name",
    [
        "token_pattern",
        "max_tokens",
        "tokenizer",
        "n_tokens",
        "password_hash_rounds",
        "vect__token_pattern",
        "pad_token_id",
        "key",
        "monkey",
        "n_keys",
        "password.rounds",
        "secret_santa",
        "",
        "_",
        "." * 100,
    ],
)
def test_names_are_compared_whole(name: str) -> None:
    value = "some value"
    assert not secret_name(name)
    assert redact(name, value) is value


def test_no_parameter_of_scikit_learn_is_a_secret() -> None:
    seen = 0
    for _, kind in all_estimators():
        for name, parameter in inspect.signature(kind.__init__).parameters.items():
            seen += 1
            assert not secret_name(name), name
            assert not secret_name(f"step__{name}"), name
            default = parameter.default
            if isinstance(default, str | int | float | tuple):
                assert redact(name, default) is default
                text = f"{name}={default}"
                assert redact_text(text) is text
    assert seen > 1500


def test_nested_values() -> None:
    token = TOKENS[2]
    value: dict[str, Any] = {
        "a": [1, {"password": "x", "n": 2}],
        "url": ("postgres://u:canary@h/d", 1.5),
        token: b"raw " + token.encode(),
        "kept": [b"\x00\xff", None, "text"],
    }
    found = redact("config", value)
    assert found == {
        "a": [1, {"password": REDACTED, "n": 2}],
        "url": (f"postgres://u:{REDACTED}@h/d", 1.5),
        REDACTED: b"raw " + REDACTED.encode(),
        "kept": [b"\x00\xff", None, "text"],
    }
    assert found["kept"] is value["kept"]
    assert value["a"][1]["password"] == "x"
    assert redact("config", found) is found
    clean = {"a": [1, {"b": ("c", 2)}]}
    assert redact("config", clean) is clean


def test_command_lines() -> None:
    argv = ["train.py", "--password", "canary", "--lr", "0.1", "--api-key=canary", "-v", "--token"]
    assert redact("argv", argv) == [
        "train.py",
        "--password",
        REDACTED,
        "--lr",
        "0.1",
        f"--api-key={REDACTED}",
        "-v",
        "--token",
    ]
    harmless = ["a", "--max-tokens", "5", "password", "word"]
    assert redact("argv", harmless) is harmless


HOSTILE = [
    "a",
    "a.a",
    "-",
    "--",
    "a=",
    "key='",
    "password=",
    "password =\t",
    "password " * 3,
    "://a:",
    "https://",
    "a@b:",
    "eyJ",
    "eyJabcdefg.",
    "sk-ant-",
    "bearer ",
    "authorization:",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN ",
    "-token",
    ";pwd=",
    "?sig=",
    "token: '",
    " ",
    "\n",
    "xoxb-",
    "SG.aaaaaaaaaaaaaaaaaaaaaaaa",
]


NEEDLES = "password token key :// bearer authorization private key eyj ;pwd= sig= "


# A pattern that backtracks needs hours for these.
@pytest.mark.timeout(120)
@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_text_ends_soon(piece: str) -> None:
    redact_text(piece * (1_000_000 // len(piece)) + NEEDLES)


@pytest.mark.timeout(120)
def test_five_megabytes_of_all_kinds_end_soon() -> None:
    found = redact_text(NEEDLES + "".join(piece * (200_000 // len(piece)) for piece in HOSTILE))
    assert REDACTED in found


@given(st.text(alphabet=string.printable))
def test_redaction_is_done_once(text: str) -> None:
    found = redact_text(text)
    assert redact_text(found) is found


@given(st.text(), st.text())
def test_a_canary_never_survives_its_name(before: str, after: str) -> None:
    found = redact_text(f"{before} --password=CaNaRy7\n{after}")
    assert "CaNaRy7" not in found
