"""Apps of the simplest kind for daemons to work on, and a PostgreSQL server to be crashed and paused."""

import collections, json, os, pathlib, signal, subprocess, threading, time, urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MANIFEST = """name: tiny
auth: { bearer: true }
page: none
accounts:
  fields: { id: id, email: email }
  list: { get: /users, items: users }
  read: { get: "/users/{account.id}" }
  create: { post: /users }
  delete: { delete: "/users/{account.id}" }
"""


class Apps:
    """What the apps hold, and who asked them what."""

    def __init__(self, names, write):
        self.lock, self.write = threading.Lock(), write
        self.accounts = {name: {} for name in names}
        self.writing = collections.defaultdict(collections.Counter)
        self.log, self.last, self.double, self.repeated, self.writes = [], 0, [], [], 0

    def request(self, who, method, app, rest, body):
        now = time.monotonic()
        with self.lock:
            self.log.append((now, who, app, method))
            if method == "GET":
                rows = [{"id": i, "email": e} for i, e in self.accounts[app].items()]
                if rest:
                    rows = [row for row in rows if row["id"] == rest]
                    return (200, rows[0]) if rows else (404, {})
                return 200, {"users": rows}
            others = [other for other, count in self.writing[app].items() if count and other != who]
            if others:
                self.double.append((app, who, others))
            self.writing[app][who] += 1
            self.writes += 1
        time.sleep(self.write)
        with self.lock:
            self.writing[app][who] -= 1
            held = self.accounts[app]
            if method == "POST":
                email = body["email"]
                if email in held.values():
                    self.repeated.append((app, who, email))
                    return 409, {}
                self.last += 1
                held[str(self.last)] = email
                return 201, {"id": str(self.last), "email": email}
            if held.pop(rest, None) is None:
                self.repeated.append((app, who, rest))
                return 404, {}
            return 200, {}

    def since(self, at):
        with self.lock:
            return [entry for entry in self.log if entry[0] >= at]


class Handler(BaseHTTPRequestHandler):
    apps = None  # What `serve` serves.

    protocol_version = "HTTP/1.1"

    def answer(self):
        _, app, _, *rest = self.path.split("?")[0].split("/")
        size = int(self.headers.get("content-length") or 0)
        body = json.loads(self.rfile.read(size) or "null")
        who = self.headers.get("authorization", "").removeprefix("Bearer ")
        status, said = self.apps.request(who, self.command, app, rest[0] if rest else None, body)
        text = json.dumps(said).encode()
        try:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # The daemon was killed.

    do_GET = do_POST = do_DELETE = answer

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_):
        pass  # A daemon that is killed breaks its connections off.


def serve(apps):
    """Serves the apps on a free port, for as long as this process lives."""
    Handler.apps = apps
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def postgres(store):
    """The processes of the server: the first, and its children."""
    place = pathlib.Path(urllib.parse.parse_qs(urllib.parse.urlparse(store).query)["host"][0])
    first = int((place / "data/postmaster.pid").read_text().split()[0])
    children = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(first)], capture_output=True, text=True).stdout
    return first, [(int(line.split()[0]), line) for line in children.splitlines()]


def crash_postgres(store):
    backends = [pid for pid, line in postgres(store)[1] if "rosterd" in line]
    assert backends, "no daemon is connected"
    os.kill(backends[0], signal.SIGKILL)


def pause_postgres(store, seconds):
    first, children = postgres(store)
    everybody = [first, *(pid for pid, _ in children)]
    for sign, pause in [(signal.SIGSTOP, seconds), (signal.SIGCONT, 0)]:
        for pid in everybody:
            try:
                os.kill(pid, sign)
            except ProcessLookupError:
                pass
        time.sleep(pause)
