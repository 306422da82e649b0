"""What is typed after --renderer, and what a player is told of it."""

import pytest

from instrument.errors import SettingError
from instrument.remote.address import TOKEN_NAME, Address


@pytest.fixture(autouse=True)
def no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN_NAME, raising=False)


@pytest.mark.parametrize(
    ("text", "target", "is_secure", "is_here"),
    [
        ("grpc://box:9000", "box:9000", False, False),
        ("grpcs://box", "box:8001", True, False),
        ("grpc://localhost:8001/", "localhost:8001", False, True),
        ("grpc://127.0.0.2", "127.0.0.2:8001", False, True),
        ("grpc://[::1]:77", "[::1]:77", False, True),
    ],
)
def test_an_address_is_read(text: str, target: str, is_secure: bool, is_here: bool) -> None:
    address = Address.parse(text)
    assert (address.target, address.is_secure, address.is_here) == (target, is_secure, is_here)


@pytest.mark.parametrize(
    "text",
    [
        "box",
        "http://box",
        "grpc://",
        "grpc://box:x",
        "grpc://box:70000",
        "grpc://me@box",
        "grpc://[",
        "grpc://box/path",
        "grpc://box?x=1",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match="is no address"):
        Address.parse(text)


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not Address.parse("grpc://localhost").warnings
    plain, unknown = Address.parse("grpc://box").warnings
    assert "not encrypted" in plain and TOKEN_NAME in unknown
    assert [unknown] == Address.parse("grpcs://box:8001").warnings
    monkeypatch.setenv(TOKEN_NAME, "secret")
    address = Address.parse("grpcs://box")
    assert address.token == "secret" and not address.warnings and "secret" not in repr(address)


@pytest.mark.parametrize("token", ["two\nlines", "tökén"])
def test_a_token_never_goes_over_an_open_line(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv(TOKEN_NAME, "secret")
    with pytest.raises(SettingError, match="could read it"):
        Address.parse("grpc://box")
    monkeypatch.setenv(TOKEN_NAME, token)
    with pytest.raises(SettingError, match="no token has"):
        Address.parse("grpcs://box")
