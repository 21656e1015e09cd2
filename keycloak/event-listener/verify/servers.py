"""RabbitMQ and Keycloak in one temporary directory, on free ports, as ordinary users. Nothing else is touched."""

import base64
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "kevra-scim")
PASSWORD = "zq-secret-of-the-broker"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(url, headers=None):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def wait_for(what, seconds, condition, log=None):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            if log:
                with open(log, errors="replace") as lines:
                    print("".join(lines.readlines()[-30:]))
            raise RuntimeError(f"{what} did not happen in {seconds} s")
        time.sleep(0.1)


class Place:
    """The directory, and the processes started in it."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="kevra-listener.")
        os.chmod(self.directory, 0o755)
        self.processes = []

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def owner(self, user):
        """Where we are root, that user; elsewhere ourselves."""
        if os.geteuid() != 0:
            return {}
        account = pwd.getpwnam(user)
        return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}

    def give(self, user, *parts):
        if os.geteuid() == 0:
            account = pwd.getpwnam(user)
            subprocess.run(["chown", "-R", f"{account.pw_uid}:{account.pw_gid}", self.path(*parts)], check=True)

    def start(self, command, log, user, environment):
        with open(self.path(log), "ab") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                cwd=self.directory,
                start_new_session=True,
                **self.owner(user),
            )
        self.processes.append(process)
        return process

    @staticmethod
    def kill(process):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()

    def close(self):
        for process in reversed(self.processes):
            self.kill(process)
        shutil.rmtree(self.directory, ignore_errors=True)


class RabbitMq:
    def __init__(self, place):
        self.place = place
        self.port, self.tls_port, self.admin_port = free_port(), free_port(), free_port()
        os.mkdir(place.path("rabbitmq"))
        self.certify()
        with open(place.path("rabbitmq", "rabbitmq.conf"), "w") as file:
            file.write(
                f"listeners.tcp.1 = 127.0.0.1:{self.port}\n"
                f"listeners.ssl.1 = 127.0.0.1:{self.tls_port}\n"
                f"ssl_options.cacertfile = {place.path('rabbitmq', 'ca.pem')}\n"
                f"ssl_options.certfile = {place.path('rabbitmq', 'server.pem')}\n"
                f"ssl_options.keyfile = {place.path('rabbitmq', 'server.key')}\n"
                f"management.tcp.port = {self.admin_port}\nmanagement.tcp.ip = 127.0.0.1\n"
                f"default_user = listener\ndefault_pass = {PASSWORD}\n"
            )
        with open(place.path("rabbitmq", "enabled_plugins"), "w") as file:
            file.write("[rabbitmq_management].\n")
        place.give("rabbitmq", "rabbitmq")
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": place.path("rabbitmq"),
            "RABBITMQ_NODENAME": "kevra-listener@localhost",
            "RABBITMQ_MNESIA_BASE": place.path("rabbitmq", "mnesia"),
            "RABBITMQ_LOG_BASE": place.path("rabbitmq", "log"),
            "RABBITMQ_CONFIG_FILE": place.path("rabbitmq", "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": place.path("rabbitmq", "enabled_plugins"),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "ERL_EPMD_PORT": str(free_port()),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }
        # Ours, not a daemon that the node would leave behind.
        place.start(["epmd"], "epmd.log", "rabbitmq", self.environment)
        self.start()

    def certify(self):
        """A certificate authority and a server certificate for localhost."""

        def openssl(*arguments):
            subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=self.place.path("rabbitmq"))

        key = ["-newkey", "rsa:2048", "-nodes"]
        openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=verify")
        openssl("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=broker")
        with open(self.place.path("rabbitmq", "names"), "w") as file:
            file.write("subjectAltName=DNS:localhost\n")
        openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", "2", "-extfile", "names", "-out", "server.pem")
        shutil.copy(self.place.path("rabbitmq", "ca.pem"), self.place.path("ca.pem"))
        os.chmod(self.place.path("ca.pem"), 0o644)

    def start(self):
        self.process = self.place.start(
            ["/usr/lib/rabbitmq/bin/rabbitmq-server"], "rabbitmq.log", "rabbitmq", self.environment)
        wait_for("RabbitMQ's start", 120, lambda: answers(self.url("/api/overview"), self.headers()),
                 self.place.path("rabbitmq.log"))

    def kill(self):
        self.place.kill(self.process)

    def freeze(self):
        os.killpg(self.process.pid, signal.SIGSTOP)

    def thaw(self):
        os.killpg(self.process.pid, signal.SIGCONT)

    def amqp(self, tls):
        scheme, port = ("amqps", self.tls_port) if tls else ("amqp", self.port)
        return f"{scheme}://listener:{PASSWORD}@localhost:{port}"

    def url(self, path):
        return f"http://127.0.0.1:{self.admin_port}{path}"

    @staticmethod
    def headers():
        token = base64.b64encode(f"listener:{PASSWORD}".encode()).decode()
        return {"Authorization": f"Basic {token}", "Content-Type": "application/json"}

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url(path), data, self.headers(), method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as refusal:
            if refusal.code == 404:
                return None
            raise

    def queue(self, exchange):
        """A durable queue that hears everything of the exchange."""
        self.call("PUT", f"/api/queues/%2F/{exchange}", {"durable": True})
        self.call("POST", f"/api/bindings/%2F/e/{exchange}/q/{exchange}", {"routing_key": "realm.#"})

    def take(self, exchange):
        """All messages that are there now."""
        found = self.call("POST", f"/api/queues/%2F/{exchange}/get",
                          {"count": 10000, "ackmode": "ack_requeue_false", "encoding": "auto"})
        return found or []


class Keycloak:
    CLIENT, SECRET = "verify-admin", "verify-secret"

    def __init__(self, place, version, jar):
        self.place, self.version = place, version
        self.name = f"keycloak-{version}"
        self.log = place.path(f"{self.name}.log")
        unpack(version, place.path(self.name))
        shutil.copy(jar, place.path(self.name, "providers"))
        os.chmod(place.path(self.name, "providers", os.path.basename(jar)), 0o644)
        place.give("nobody", self.name)
        self.port, self.management_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self, environment, arguments=()):
        base = {
            "PATH": os.environ["PATH"],
            "HOME": self.place.path(self.name),
            "JAVA_OPTS_APPEND": "-Xmx700m",
            "KC_BOOTSTRAP_ADMIN_CLIENT_ID": self.CLIENT,
            "KC_BOOTSTRAP_ADMIN_CLIENT_SECRET": self.SECRET,
        }
        if "JAVA_HOME" in os.environ:
            base["JAVA_HOME"] = os.environ["JAVA_HOME"]
        self.process = self.place.start(
            [self.place.path(self.name, "bin", "kc.sh"), "start-dev", "--http-host=127.0.0.1",
             f"--http-port={self.port}", f"--http-management-port={self.management_port}", "--health-enabled=true",
             *arguments],
            f"{self.name}.log", "nobody", {**base, **environment})
        health = f"http://127.0.0.1:{self.management_port}/health/ready"
        wait_for(f"Keycloak {self.version}'s start", 300, lambda: answers(health), self.log)

    def stop(self):
        """As an operator would; the seconds it took."""
        begin = time.monotonic()
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(60)
        finally:
            self.place.kill(self.process)
        return time.monotonic() - begin

    def logged(self):
        with open(self.log, errors="replace") as lines:
            return lines.read()


def unpack(version, target):
    cached = os.path.join(CACHE, f"keycloak-{version}")
    if os.path.isdir(cached):
        shutil.copytree(cached, target)
        return
    artifact = f"org.keycloak:keycloak-quarkus-dist:{version}:tar.gz"
    archive = os.path.expanduser(
        f"~/.m2/repository/org/keycloak/keycloak-quarkus-dist/{version}/keycloak-quarkus-dist-{version}.tar.gz")
    if not os.path.exists(archive):
        print(f"fetching Keycloak {version}")
        subprocess.run(["mvn", "--quiet", "--batch-mode", "dependency:get", "-Dtransitive=false",
                        f"-Dartifact={artifact}"], check=True)
    os.mkdir(target)
    subprocess.run(["tar", "-xzf", archive, "-C", target, "--strip-components", "1"], check=True)
