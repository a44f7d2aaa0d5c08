#!/usr/bin/env python3
"""Three daemons on a real PostgreSQL server with 30 apps, through kills, stops and outages.

    tests/real/with-postgres tests/real/daemons.py target/debug/rosterd [SECONDS]

In quiet times three daemons send the requests of one (within 5 %). While accounts vanish behind their back, daemons are
killed and stopped beyond their leases, and PostgreSQL crashes and hangs: no app ever has two writers, a daemon that dies
is taken over within a minute, and in the end every app is as the files say. SECONDS is how long each quiet time lasts: 600
unless said otherwise, and less than 60 counts too few requests to tell 5 %.
"""

import collections, os, pathlib, random, signal, subprocess, sys, tempfile, threading, time

from apps import MANIFEST, Apps, crash_postgres, pause_postgres, serve

APPS, ACCOUNTS, EVERY = 30, 20, 10
# The longest that a daemon's apps may wait for another one.
TAKE_OVER = 60
# How long the app takes for a write, so that kills come in the middle of some.
WRITE = 0.3

def people():
    return [f"person{n:02}@example.com" for n in range(ACCOUNTS)]


apps = Apps([f"a{n:02}" for n in range(APPS)], WRITE)


def whole():
    with apps.lock:
        return all(sorted(held.values()) == people() for held in apps.accounts.values())


class Fleet:
    def __init__(self, rosterd, directory, store):
        self.rosterd, self.directory, self.store, self.daemons = rosterd, directory, store, {}

    def start(self, name):
        log = open(self.directory.parent / f"{name}.log", "a")
        env = {**os.environ, "TOKEN": name, "RUST_LOG": "info"}
        command = [self.rosterd, "daemon", str(self.directory), "--store", self.store]
        self.daemons[name] = subprocess.Popen(command, env=env, stdout=log, stderr=log, cwd=self.directory.parent)

    def signal(self, name, sign):
        self.daemons[name].send_signal(sign)

    def kill(self, name):
        self.signal(name, signal.SIGKILL)
        self.daemons.pop(name).wait()

    def end(self, name):
        self.signal(name, signal.SIGTERM)
        status = self.daemons.pop(name).wait(timeout=15)
        assert status == 0, f"{name} ended with {status}"


def wait(what, seconds, holds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return
        time.sleep(0.2)
    raise SystemExit(f"FAILED: {what} took longer than {seconds} s; repeated {apps.repeated}, double {apps.double}")


def quiet(seconds):
    """Requests in a quiet time, per daemon."""
    begin = time.monotonic()
    time.sleep(seconds)
    return collections.Counter(who for _, who, _, _ in apps.since(begin))


def drift(stop, chance):
    """Accounts vanish behind our back, each of them at most twice, which is no edit fight, and so slowly that no app shrinks by
    half while nobody looks."""
    victims = [(app, email) for app in apps.accounts for email in people()] * 2
    chance.shuffle(victims)
    for app, email in victims:
        if stop.wait(1.5):
            return
        with apps.lock:
            held = apps.accounts[app]
            for number in [number for number, there in held.items() if there == email]:
                del held[number]


def taken_over(name, at):
    """How long each app waited for another daemon's request after `name` was lost."""
    first = {}
    for when, who, app, _ in apps.since(at):
        if who != name:
            first.setdefault(app, when - at)
    return first if len(first) == APPS else None


def lose(fleet, name, how):
    """The daemon is lost in the middle of a write."""
    wait(f"a write of {name}", 120, lambda: any(writing[name] for writing in list(apps.writing.values())))
    fleet.signal(name, how)
    at = time.monotonic()
    wait(f"taking over from {name}", TAKE_OVER, lambda: taken_over(name, at))
    longest = max(taken_over(name, at).values())
    print(f"{how.name}: the last of {APPS} apps was taken over after {longest:.1f} s", flush=True)
    return at


def main():
    rosterd = os.path.abspath(sys.argv[1])
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 600
    seed = int(os.environ.get("SEED", random.randrange(1 << 32)))
    chance = random.Random(seed)
    store = os.environ["ROSTERD_TEST_POSTGRES"]
    base = serve(apps)
    with tempfile.TemporaryDirectory(prefix="daemons.") as root:
        directory = pathlib.Path(root) / "desired-state"
        (directory / "connectors").mkdir(parents=True)
        (directory / "connectors/tiny.yaml").write_text(MANIFEST)
        policy = "{ unlisted: remove, max_creates: 10000, max_removals: 100%, min_admins: 0 }"
        accounts = "".join(f"      {email}: {{}}\n" for email in people())
        lines = [f"settings:\n  schedule: {{ every: {EVERY}s }}\n  daemon: {{ listen: 127.0.0.1:0 }}\napps:\n"]
        for app in apps.accounts:
            url = f"{base}/{app}"
            lines.append(f"  {app}:\n    connector: connectors/tiny.yaml\n    url: {url}\n    auth: {{ token: {{ env: TOKEN }} }}\n"
                         f"    policy: {policy}\n    accounts:\n{accounts}")
        (directory / "all.yaml").write_text("".join(lines))
        print(f"seed {seed}", flush=True)
        fleet = Fleet(rosterd, directory, store)
        try:
            prove(fleet, store, seconds, chance)
        except BaseException:
            for log in sorted(pathlib.Path(root).glob("*.log")):
                print(f"--- {log.name}", *log.read_text().splitlines()[-40:], sep="\n", file=sys.stderr)
            raise
        finally:
            for daemon in fleet.daemons.values():
                daemon.send_signal(signal.SIGKILL)


def prove(fleet, store, seconds, chance):
    names = ["one", "two", "three"]
    for name in names:
        fleet.start(name)
    wait("the first cycles", 180, whole)
    time.sleep(2 * EVERY)
    three = quiet(seconds)
    for name in names[1:]:
        fleet.end(name)
    time.sleep(2 * EVERY)
    one = quiet(seconds)
    ratio = three.total() / one.total()
    print(f"quiet for {seconds} s: three daemons sent {three.total()} requests {dict(three)}, one sent {one.total()}; "
          f"ratio {ratio:.3f}", flush=True)
    assert abs(ratio - 1) <= 0.05, "several daemons do not share the work"
    for name in names[1:]:
        fleet.start(name)
    stop = threading.Event()
    drifting = threading.Thread(target=drift, args=(stop, chance), daemon=True)
    drifting.start()
    chance.shuffle(names)
    lose(fleet, names[0], signal.SIGKILL)
    fleet.kill(names[0])
    fleet.start(names[0])
    lose(fleet, names[1], signal.SIGSTOP)
    time.sleep(20)
    fleet.signal(names[1], signal.SIGCONT)
    time.sleep(2 * EVERY)
    crash_postgres(store)
    print("PostgreSQL was made to crash and recover", flush=True)
    time.sleep(2 * EVERY)
    pause_postgres(store, 60)
    print("PostgreSQL hung for 60 s", flush=True)
    time.sleep(2 * EVERY)
    lose(fleet, names[2], signal.SIGKILL)
    fleet.kill(names[2])
    stop.set()
    drifting.join()
    begin = time.monotonic()
    wait("putting everything right", 2 * EVERY + TAKE_OVER, whole)
    print(f"everything was right {time.monotonic() - begin:.1f} s after the last drift; {apps.writes} writes, "
          f"{len(apps.double)} by two writers at once, {len(apps.repeated)} done twice", flush=True)
    assert not apps.double and not apps.repeated, (apps.double, apps.repeated)
    for name in list(fleet.daemons):
        fleet.end(name)
    verified = subprocess.run([fleet.rosterd, "history", str(fleet.directory), "--verify", "--store", store], capture_output=True, text=True)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    print("ok", flush=True)


main()
