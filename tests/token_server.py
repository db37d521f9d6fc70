"""A token server whose tokens Debian's registry believes, and that does what a test tells it.

Tokens are JWTs signed with openssl (RFC 7519, RS256), with the certificate in the header (x5c),
which the registry finds in its rootcertbundle.
"""

import base64
import json
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

ISSUER, SERVICE = "test issuer", "test service"


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class TokenServer:
    """Knows `users`; remembers every request as (method, parameters, Authorization)."""

    def __init__(self, directory: Path) -> None:
        self.users = {"me": "secret"}
        self.refresh_tokens = {"refresh-me": "me"}
        self.anonymous_pulls = True
        self.knows_get = True
        self.lifetime_s = 300
        self.requests: list[tuple[str, dict[str, list[str]], str | None]] = []
        self.certificate, self._key = directory / "token.crt", directory / "token.key"
        command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=issuer"
        command += f" -keyout {self._key} -out {self.certificate}"
        subprocess.run(command.split(), check=True, capture_output=True)
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self.realm = f"http://127.0.0.1:{self._http.server_port}/token"
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def registry_auth(self) -> dict[str, object]:
        """The registry's section `auth`."""
        section = {"realm": self.realm, "service": SERVICE, "issuer": ISSUER}
        return {"token": {**section, "rootcertbundle": str(self.certificate)}}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                asked = parse_qs(urlsplit(self.path).query)
                self._serve("GET", asked)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self._serve("POST", parse_qs(body.decode()))

            def _serve(self, method: str, asked: dict[str, list[str]]) -> None:
                authorization = self.headers.get("Authorization")
                server.requests.append((method, asked, authorization))
                status, document = server.answer(method, asked, authorization)
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler

    def answer(
        self, method: str, asked: dict[str, list[str]], authorization: str | None
    ) -> tuple[int, dict[str, object]]:
        if method == "GET" and not self.knows_get:
            return 405, {}
        user = self._user(method, asked, authorization)
        if user is None:
            errors = [{"code": "UNAUTHORIZED", "message": "incorrect username or password"}]
            return 401, {"errors": errors}
        scopes = asked.get("scope", [])
        scopes = scopes[0].split() if method == "POST" and scopes else scopes
        token = self._token(user, scopes)
        document: dict[str, object] = {"token": token, "access_token": token}
        document["expires_in"] = self.lifetime_s
        if "offline_token" in asked:
            document["refresh_token"] = "refresh-me"
        return 200, document

    def _user(
        self, method: str, asked: dict[str, list[str]], authorization: str | None
    ) -> str | None:
        """Whose request it is; "" for nobody, None for somebody who lies."""
        if method == "POST":
            if asked["grant_type"] == ["refresh_token"]:
                return self.refresh_tokens.get(asked["refresh_token"][0])
            name, password = asked["username"][0], asked["password"][0]
        elif authorization is None:
            return ""
        else:
            pair = base64.b64decode(authorization.removeprefix("Basic ")).decode()
            name, _, password = pair.partition(":")
        return name if self.users.get(name) == password else None

    def _token(self, user: str, scopes: list[str]) -> str:
        access = []
        for scope in scopes:
            kind, name, actions = scope.split(":")
            allowed = actions.split(",") if user else ["pull"] if self.anonymous_pulls else []
            access.append({"type": kind, "name": name, "actions": allowed})
        der = subprocess.run(
            ["openssl", "x509", "-in", self.certificate, "-outform", "DER"],
            check=True,
            capture_output=True,
        ).stdout
        header = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(der).decode()]}
        now = int(time.time())
        who: dict[str, object] = {"iss": ISSUER, "sub": user, "aud": SERVICE, "jti": str(now)}
        claims = who | {"access": access, "exp": now + 300, "nbf": now - 60, "iat": now}
        signed = f"{encode(json.dumps(header).encode())}.{encode(json.dumps(claims).encode())}"
        signature = subprocess.run(
            ["openssl", "dgst", "-sha256", "-sign", self._key],
            input=signed.encode(),
            check=True,
            capture_output=True,
        ).stdout
        return f"{signed}.{encode(signature)}"
