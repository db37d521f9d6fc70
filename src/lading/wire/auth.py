"""Credentials as clients send them: the body of `POST /auth`, and the X-Registry-Auth header."""

import base64
import binascii

import msgspec
from msgspec import Struct

from lading.errors import InvalidArgument


class BadAuth(InvalidArgument):
    """invalid X-Registry-Auth header: {0}"""


class AuthConfig(Struct, frozen=True):
    """Docker's AuthConfig; all names in small letters."""

    username: str = ""
    password: str = ""
    auth: str = ""  # base64 of "username:password", from old config files
    email: str = ""
    serveraddress: str = ""
    identitytoken: str = ""
    registrytoken: str = ""

    def pair(self) -> tuple[str, str]:
        """Name and password, from wherever they stand."""
        if self.username or not self.auth:
            return self.username, self.password
        try:
            name, _, password = base64.b64decode(self.auth).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return name, password.strip("\0")


class AuthResult(Struct, frozen=True, rename="pascal"):
    """The answer to `POST /auth`."""

    status: str
    identity_token: str = ""


def from_header(text: str | None) -> AuthConfig:
    """What the header says: base64url of JSON; nothing when it is absent. Raises BadAuth."""
    if not text:
        return AuthConfig()
    try:
        padded = text.strip() + "=" * (-len(text.strip()) % 4)
        data = base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True)
        return msgspec.json.decode(data or b"{}", type=AuthConfig | None) or AuthConfig()
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadAuth(error) from error
