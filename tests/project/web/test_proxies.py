"""The examples of docs/operations.md with real proxies: TLS, signing in, a chunked body, a stream, Flower."""

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import ExitStack

import httpx
import pytest

from tests.integration.stack import PASSWORD, PREPARE, free_port
from tests.project.web.test_server import ROOT, SERVED, Server
from tests.waiting import wait_until

DOCS = (ROOT / "docs" / "operations.md").read_text()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        os.environ.get("SCANNER_TEST_DATABASE") == "postgresql", reason="has a database of its own: SQLite"
    ),
]


def example(language):
    return DOCS.partition(f"```{language}\n")[2].partition("\n```")[0] + "\n"


class Proxy:
    """One of the two examples, with ports and certificates of its own instead of those in it."""

    def __init__(self, kind, folder, *, scanner, flower):
        self.kind = kind
        self.folder = folder
        self.public, self.flower_public = free_port(), free_port()
        text = example(kind).replace("127.0.0.1:8000", f"127.0.0.1:{scanner}")
        text = text.replace("127.0.0.1:5555", f"127.0.0.1:{flower}")
        self.file = folder / f"{kind}.conf"
        self.file.write_text(self._of_caddy(text) if kind == "caddy" else self._of_nginx(text))

    def _of_caddy(self, text):
        for host, port in (("scanner", self.public), ("flower", self.flower_public)):
            text = text.replace(f"{host}.example.com {{", f"https://localhost:{port} {{\n\ttls internal")
        return "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n" + text

    def _of_nginx(self, text):
        certificate, key = self.folder / "cert.pem", self.folder / "key.pem"
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
        subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
        text = text.replace("/etc/ssl/certs/scanner.pem", str(certificate))
        text = text.replace("/etc/ssl/private/scanner.key", str(key))
        text = text.replace("listen 80;", f"listen 127.0.0.1:{free_port()};")
        for port in (self.public, self.flower_public):
            text = text.replace("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;", 1)
        text = re.sub(r"(scanner|flower)\.example\.com", "localhost", text)
        here = f"user root; daemon off; pid {self.folder}/nginx.pid; error_log stderr; events {{}}\n"
        paths = "".join(
            f"{name}_temp_path {self.folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        return f"{here}http {{\naccess_log off;\n{paths}{text}}}\n"

    def start(self):
        command = {
            "caddy": ["caddy", "run", "--adapter", "caddyfile", "--config", self.file],
            "nginx": ["nginx", "-p", self.folder, "-c", self.file],
        }[self.kind]
        with (self.folder / "proxy.log").open("wb") as log:
            return subprocess.Popen(
                command,
                env={**os.environ, "XDG_DATA_HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


def browser(**options):
    """A client that takes the certificates made for these tests."""
    return httpx.Client(verify=False, timeout=30, **options)  # noqa: S501


def get_ready(client, path, status=200):
    def there():
        try:
            return client.get(path).status_code == status
        except httpx.HTTPError:
            return False

    wait_until(there, f"{path} answers through the proxy", deadline_s=60)


def manage(folder, *arguments, **env):
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**kept, "DATA_DIR": str(folder), **env},
        check=True,
        capture_output=True,
    )


@pytest.fixture(params=["caddy", "nginx"])
def kind(request):
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return request.param


@pytest.fixture
def after():
    with ExitStack() as stack:
        yield stack


def end(process):
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def run_proxy(kind, folder, after, **ports):
    proxy = Proxy(kind, folder, **ports)
    process = proxy.start()
    after.callback(end, process)
    return proxy


def test_people_sign_in_and_feeds_send_through_it(kind, tmp_path, after):
    flower = free_port()
    proxy_folder = tmp_path / "proxy"
    proxy_folder.mkdir()
    scanner_port = free_port()
    proxy = run_proxy(kind, proxy_folder, after, scanner=scanner_port, flower=flower)
    env = {
        "PUBLIC_URL": f"https://localhost:{proxy.public}",
        "FLOWER_PUBLIC_URL": f"https://localhost:{proxy.flower_public}",
        "WEB_PORT": str(scanner_port),
        "REDIS_URL": "redis://127.0.0.1:1",
    }
    for command in (["shell", "-v0", "-c", PREPARE], ["collectstatic", "-v0", "--no-input"]):
        manage(tmp_path, *command, DJANGO_SUPERUSER_PASSWORD=PASSWORD, **env)
    server = Server(tmp_path, **env)
    after.callback(end, server.process)

    with browser(base_url=env["PUBLIC_URL"]) as client:
        get_ready(client, "/healthz")
        page = client.get("/login/")
        [token] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
        fields = {"username": "admin", "password": PASSWORD, "csrfmiddlewaretoken": token}
        signed_in = client.post(
            "/login/", data=fields, headers={"Referer": env["PUBLIC_URL"], "Origin": env["PUBLIC_URL"]}
        )
        assert (signed_in.status_code, signed_in.headers["location"]) == (302, "/")
        assert "secure" in signed_in.headers["set-cookie"].lower()
        assert page.headers["strict-transport-security"] == "max-age=31536000"
        index = client.get("/api/v1/scanner/").json()
        assert index["bars"] == f"{env['PUBLIC_URL']}/api/v1/scanner/bars"
        assert client.get("/flower/").headers["location"] == env["FLOWER_PUBLIC_URL"]

        def body():
            yield b'{"username": "admin", '
            yield b'"password": "wrong"}'

        chunked = client.post("/api/v1/auth/token", content=body(), headers={"Content-Type": "application/json"})
        assert chunked.status_code == 400
        assert "password" not in chunked.json()  # it has been read
        large = client.post(
            "/api/v1/auth/token", content=b" " * 10_000_001, headers={"Content-Type": "application/json"}
        )
        assert large.status_code == 413
        assert list(large.json()) == ["detail"]


def test_a_stream_and_flower_pass_through_it(kind, tmp_path, after):
    """Flower's place is taken by a second web server: what matters is where its requests go."""
    folders = [tmp_path / name for name in ("scanner", "flower", "proxy")]
    for folder in folders:
        folder.mkdir()
    scanner, flower = (Server(folder, SERVED) for folder in folders[:2])
    for server in (scanner, flower):
        after.callback(end, server.process)
        wait_until(server.answers, "the web server answers", deadline_s=60)
    proxy = run_proxy(kind, folders[2], after, scanner=scanner.port, flower=flower.port)

    with browser() as client:
        get_ready(client, f"https://localhost:{proxy.public}/")
        with client.stream("GET", f"https://localhost:{proxy.public}/events/stream") as answer:
            pieces = answer.iter_raw()
            # More than one: they come one by one, not when a buffer is full.
            assert b"data: 0" in next(pieces)
            assert b"data: 1" in next(pieces)
        assert client.post(f"https://localhost:{proxy.flower_public}/", content=b"to Flower").text == "to Flower"


@pytest.mark.parametrize("language", ["caddy", "nginx"])
def test_the_documentation_has_an_example(language):
    assert "127.0.0.1:8000" in example(language)
    assert "127.0.0.1:5555" in example(language)
