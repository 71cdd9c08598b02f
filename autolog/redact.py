"""Secrets out of what is recorded: by the shape of a value and by an exact list of names.

A name is compared whole, never by substring: `password` is a secret, `token_pattern`,
`max_tokens` and `password_hash_rounds` are not. All patterns run in linear time.
"""

from __future__ import annotations

import functools
import re
from typing import Any

REDACTED = "[redacted]"
REMEMBERED = 256
"""Length of the names and texts whose verdict is kept: most of them come again with each run."""

_NAMES = """
    password passwd passphrase passwords user_password db_password database_password
    root_password admin_password pg_password pgpassword postgres_password mysql_password mysql_pwd
    mysql_root_password redis_password mongo_password smtp_password mail_password email_password
    ssh_password sudo_password proxy_password http_password registry_password docker_password
    snowflake_password neo4j_password clickhouse_password rabbitmq_password ldap_password
    mlflow_tracking_password key_password keystore_password pypi_password twine_password
    secret secrets secret_key secret_token client_secret app_secret api_secret shared_secret
    consumer_secret oauth_secret webhook_secret signing_secret session_secret jwt_secret
    jwt_secret_key flask_secret_key django_secret_key aws_secret aws_secret_key
    aws_secret_access_key secret_access_key azure_client_secret google_client_secret
    s3_secret s3_secret_key minio_secret_key minio_root_password storage_secret
    api_key api_keys apikey x_api_key api_token app_key access_key aws_access_key_id access_key_id
    account_key storage_key azure_storage_key azure_storage_account_key shared_access_key
    openai_api_key azure_openai_api_key anthropic_api_key google_api_key gemini_api_key
    mistral_api_key cohere_api_key groq_api_key together_api_key openrouter_api_key
    huggingface_api_key langchain_api_key langsmith_api_key pinecone_api_key tavily_api_key
    wandb_api_key comet_api_key neptune_api_token mlflow_tracking_token clearml_api_secret_key
    clearml_api_access_key dagshub_token databricks_token kaggle_key
    token tokens access_token auth_token authentication_token bearer_token refresh_token id_token
    session_token security_token aws_session_token csrf_token xsrf_token oauth_token
    personal_access_token private_token deploy_token registry_token sas_token service_token
    use_auth_token hub_token hf_token hf_hub_token huggingface_token huggingface_hub_token
    huggingfacehub_api_token github_token gh_token gitlab_token ci_job_token npm_token
    npm_auth_token pypi_token slack_token slack_bot_token telegram_token discord_token
    replicate_api_token vault_token autolog_token x_auth_token x_vault_token
    private_key ssh_private_key private_key_pem rsa_private_key signing_key autolog_signing_key
    encryption_key master_key
    credential credentials auth authorization proxy_authorization cookie set_cookie
"""

_SEPARATORS = re.compile(r"[_\-\s]+")


def _squeeze(name: str) -> str:
    return _SEPARATORS.sub("", name).lower()


_SECRET_NAMES = frozenset(_squeeze(name) for name in _NAMES.split())
# Words of ordinary prose and code before `:` or `=`; they count as names of keys alone.
_NOT_IN_TEXT = frozenset(("auth", "authorization", "proxyauthorization", "credential", "tokens"))
_PROSE = frozenset(("token", "secret", "secrets", "cookie"))
_ROOTS = ("pass", "secret", "token", "key", "credential", "cookie", "mysqlpwd", "mysql_pwd")

_EDGE = r"(?<![A-Za-z0-9_-])"
_SHAPES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("AKIA", "ASIA"), r"(?:AKIA|ASIA)[0-9A-Z]{16}(?![A-Za-z0-9])"),
    (("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"gh[pousr]_[A-Za-z0-9]{30,}+"),
    (("github_pat_",), r"github_pat_[A-Za-z0-9_]{22,}+"),
    (
        (
            "glpat-",
            "gldt-",
            "glrt-",
            "glcbt-",
            "glptt-",
            "glft-",
            "glimt-",
            "gloas-",
            "glsoat-",
            "glagent-",
        ),
        r"gl(?:pat|dt|rt|cbt|ptt|ft|imt|oas|soat|agent)-[A-Za-z0-9_.-]{20,}+",
    ),
    (("xox", "xapp-"), r"(?:xox[a-z]|xapp)-[A-Za-z0-9-]{10,}+"),
    (("k_live_", "k_test_"), r"[psr]k_(?:live|test)_[A-Za-z0-9]{10,}+"),
    (("whsec_",), r"whsec_[A-Za-z0-9+/=]{20,}+"),
    (("sk-",), r"sk-(?:(?:proj|svcacct|admin|ant|or|lf)-[A-Za-z0-9_-]{16,}+|[A-Za-z0-9]{32,}+)"),
    (("gsk_", "r8_", "xai-"), r"(?:gsk_|r8_|xai-)[A-Za-z0-9]{30,}+"),
    (("hf_", "api_org_"), r"(?:hf|api_org)_[A-Za-z0-9]{30,}+"),
    (("AIza",), r"AIza[0-9A-Za-z_-]{35}"),
    (("ya29.", "GOCSPX-"), r"(?:ya29\.|GOCSPX-)[0-9A-Za-z_-]{20,}+"),
    (("npm_",), r"npm_[A-Za-z0-9]{36,}+"),
    (("pypi-",), r"pypi-[A-Za-z0-9_-]{50,}+"),
    (("dapi",), r"dapi[0-9a-f]{32}(?:-\d+)?"),
    (("dckr_pat_", "dop_v1_"), r"(?:dckr_pat_|dop_v1_)[A-Za-z0-9_-]{20,}+"),
    (("SG.",), r"SG\.[A-Za-z0-9_-]{20,}+\.[A-Za-z0-9_-]{40,}+"),
    (("eyJ",), r"eyJ[A-Za-z0-9_-]{6,}+\.eyJ[A-Za-z0-9_-]{6,}+(?:\.[A-Za-z0-9_-]*+)?"),
)

# Each of these keeps what stands in its first group and what follows its match.
_PLACES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("://",), r"(://[^\s/?#:@\"'<>]*+:)[^\s/?#\"'<>]+(?=@)"),
    (("://",), r"(https?://)[^\s/?#:@\"'<>]{20,}+(?=@)"),
    (("hooks.slack.com",), r"(hooks\.slack\.com/(?:services|workflows)/)[A-Za-z0-9_/+-]++"),
    (
        ("authorization",),
        r"(?i)(authorization[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?:(?:bearer|basic|token|digest)\s{1,4})?+)"
        r"(?!\[redacted)[^\s\"',;]++",
    ),
    (("bearer",), r"(?i)(?<![a-z0-9])(bearer\s{1,4})[a-z0-9._~+/=-]{16,}+"),
    (("pwd",), r"(?i)(;\s{0,4}pwd\s{0,4}=\s{0,4})(?!\[redacted)[^;\"'\s]++"),
    (("sig=", "signature="), r"(?i)([?&](?:sig|x-(?:amz|goog)-signature)=)[a-z0-9%/+=._-]{16,}+"),
)

_PEM = (
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)"
)

_SEPARATOR = r"""["']?\s{0,4}(?:=>|:=|[=:])\s{0,4}"""
_NAMED = (
    rf"(?<![\w.-])(?:(-{{1,2}}[A-Za-z_][\w.-]*+)({_SEPARATOR}|\s{{1,4}})"
    rf"|([A-Za-z_][\w.-]*+)({_SEPARATOR}))"
)
_VALUE = r"""([rbfuRBFU]{0,2}["'])([^"'\n]*+)|()([^\s"'&;,(){}\[\]<>]++)(?![(\[])"""
_CODE_WORDS = frozenset(
    (
        "none",
        "true",
        "false",
        "null",
        "nil",
        "str",
        "int",
        "bytes",
        "bool",
        "float",
        "any",
        "object",
    )
)

# Every shape has a long run of such characters, every other rule one of these marks: what has
# neither is ordinary short text, told apart in a microsecond.
_RUN = re.compile(r"[\w.+/=~-]{16}")
_MARK = re.compile(r"[:=]|-\w")

_BY_SHAPE = [(needles, _EDGE + pattern) for needles, pattern in _SHAPES]
_compiled = functools.cache(re.compile)  # at the first text that needs it: few ever do


def secret_name(name: str) -> bool:
    """Whether `name` is, by its last dotted or `__` segment, one of the names of secrets."""
    return _names_secret(name) if len(name) <= REMEMBERED else _names_secret.__wrapped__(name)


@functools.lru_cache(maxsize=4096)
def _names_secret(name: str) -> bool:
    tail = name.rsplit(".", 1)[-1].strip("_- ").rsplit("__", 1)[-1]
    return len(tail) < 40 and _squeeze(tail) in _SECRET_NAMES


def redact_text(text: str) -> str:
    """`text` with each secret replaced by `[redacted]`; the same object where there is none."""
    found = _cleaned(text) if len(text) <= REMEMBERED else _cleaned.__wrapped__(text)
    return text if found is None else found


@functools.lru_cache(maxsize=4096)
def _cleaned(text: str) -> str | None:
    """`text` without its secrets; None where it has none."""
    if len(text) < 64 and not _RUN.search(text) and not _MARK.search(text):
        return None
    low = text.lower()
    found = text
    if "private key" in low:
        found = _compiled(_PEM).sub(REDACTED, found)
    for needles, pattern in _BY_SHAPE:
        if _holds(text, needles):
            found = _compiled(pattern).sub(REDACTED, found)
    for needles, pattern in _PLACES:
        if _holds(low, needles):
            found = _compiled(pattern).sub(r"\g<1>" + REDACTED, found)
    if _holds(low, _ROOTS):
        found = _without_named(found)
    return None if found == text else found


def _holds(text: str, needles: tuple[str, ...]) -> bool:
    for needle in needles:  # noqa: SIM110 - a generator would double the time of short texts
        if needle in text:
            return True
    return False


def _without_named(text: str) -> str:
    """Without the values in `name=value`, `--name value`, `"name": "value"` and the like."""
    parts, done = [], 0
    for start, end in _lines_with_roots(text):
        # Each name is looked at, also one that stands where another's value would.
        for match in _compiled(_NAMED).finditer(text, start, end):
            value = None if match.start() < done else _named_value(text, match)
            if value is not None:
                place = value.start() + len(value[1] or "")
                parts += [text[done:place], REDACTED]
                done = value.end()
    return "".join([*parts, text[done:]]) if parts else text


def _lines_with_roots(text: str) -> list[tuple[int, int]]:
    """Where the lines with a part of a secret's name begin and end, with a little of the next."""
    low = text.lower()
    if len(low) != len(text):
        return [(0, len(text))]
    found = set()
    for root in _ROOTS:
        at = low.find(root)
        while at >= 0:
            end = low.find("\n", at)
            end = len(low) if end < 0 else end
            found.add((low.rfind("\n", 0, at) + 1, end + 8))
            at = low.find(root, end)
    return sorted(found)


def _named_value(text: str, match: re.Match[str]) -> re.Match[str] | None:
    """The secret behind a name and its separator, if it is a secret's name and there is one."""
    name, gap = match[1] or match[3], match[2] or match[4]
    if not _secret_in_text(name.lstrip("-")):
        return None
    value = _compiled(_VALUE).match(text, match.end())
    if value is None or _harmless(value, gap, _prose(name, gap, text, match.start())):
        return None
    return value


def _secret_in_text(name: str) -> bool:
    return secret_name(name) and _squeeze(name) not in _NOT_IN_TEXT


def _prose(name: str, gap: str, text: str, start: int) -> bool:
    """Whether `token:` and the like stand within a line, as in `unexpected token: expected`."""
    if ":" not in gap or _squeeze(name) not in _PROSE:
        return False
    before = text[max(start - 40, 0) : start]
    line = before.rpartition("\n")[2]
    return bool(line.strip(" \t+-#>\"'")) or (line is before and start > 40)


def _harmless(value: re.Match[str], gap: str, prose: bool) -> bool:
    quoted, bare = value[2], value[4]
    if bare is None:
        return quoted in ("", REDACTED)
    # `password=args.password` in code names a secret and holds none; `--token -v` has no value.
    option = gap.isspace() and bare.startswith("-")
    return prose or option or bare.lower() in _CODE_WORDS or secret_name(bare)


def redact(key: str, value: Any) -> Any:
    """The plain `value` without secrets, where `key` is its name ("" if it has none).

    Under a secret's name everything but None, booleans and "" is replaced whole; elsewhere text
    is searched, lists and dicts at any depth. The same object comes back where nothing matched.
    """
    kind = type(value)
    if value is None or kind is bool or value == "":
        return value
    if key and secret_name(key):
        return value if value == REDACTED else REDACTED
    if kind is str:
        return redact_text(value)
    if kind is dict:
        return _redact_dict(value)
    if kind is list or kind is tuple:
        return _redact_list(value)
    if kind is bytes:
        return _redact_bytes(value)
    return value


def _redact_dict(value: dict[Any, Any]) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    changed = False
    for key, item in value.items():
        named = key if type(key) is str else ""
        new_key, new_item = (redact_text(key) if named else key), redact(named, item)
        changed = changed or new_item is not item or new_key is not key
        found[new_key] = new_item
    return found if changed else value


def _redact_list(value: list[Any] | tuple[Any, ...]) -> list[Any] | tuple[Any, ...]:
    """Items one by one; the item after `--password` in a command line goes too."""
    found = []
    option = ""
    for item in value:
        found.append(redact(option, item))
        is_option = type(item) is str and item.startswith("-") and "=" not in item
        option = item.lstrip("-") if is_option else ""
    changed = any(new is not old for new, old in zip(found, value, strict=True))
    return type(value)(found) if changed else value


def _redact_bytes(value: bytes) -> bytes:
    text = value.decode("latin-1")
    found = redact_text(text)
    return value if found is text else found.encode("latin-1")
