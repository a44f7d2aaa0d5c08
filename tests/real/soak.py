#!/usr/bin/env python3
"""Two daemons at work for long, through commits, drift, clocks that are set, and a PostgreSQL server that crashes and hangs.

    tests/real/with-postgres tests/real/soak.py target/debug/rosterd [SECONDS]

Every few seconds there is a commit, most of which change a comment and some of which grant an account or take it away. Accounts
vanish behind the daemons' back and strangers come. The clocks of both daemons are set back and forth by hours, each on its own.
No difference may last for longer than two intervals in good weather, none is left at the end, nobody is made or removed twice,
and the memory and the descriptors of the daemons do not grow. SECONDS is 1800 unless said otherwise.
"""

import collections, glob, os, pathlib, random, signal, subprocess, sys, tempfile, threading, time

from apps import MANIFEST, Apps, crash_postgres, pause_postgres, serve

NAMES, POOL, EVERY = [f"a{n}" for n in range(6)], 200, 10
# Two intervals, and what the requests of a cycle take on a busy machine.
LIMIT = 2 * EVERY + 15
# After an outage a daemon may have to wait until what a dead connection held lapses.
SETTLE = 60
# Any account comes and goes fewer times than an edit fight takes.
CHANGES = 2

apps = Apps(NAMES, 0.05)


class Wanted:
    """What the files say, as commits of a repository."""

    def __init__(self, root, base):
        self.root, self.base, self.commits, self.lock = root, base, 0, threading.Lock()
        self.granted = {name: {person(n) for n in range(POOL // 2)} for name in NAMES}
        (root / "connectors").mkdir(parents=True)
        (root / "connectors/tiny.yaml").write_text(MANIFEST)
        self.git("init", "--quiet")
        self.commit()

    def git(self, *args):
        author = ["-c", "user.name=soak", "-c", "user.email=soak@example.com"]
        subprocess.run(["git", *author, *args], cwd=self.root, check=True, stdout=subprocess.DEVNULL)

    def commit(self):
        self.commits += 1
        # Without a past, only so many removals go through on the first day as `at_least` says.
        policy = ("{ unlisted: remove, remove_with: delete, irreversible: allow, max_creates: 10000, "
                  "max_removals: { share: 100%, at_least: 1000 }, min_admins: 0 }")
        lines = [f"# Commit {self.commits}.\nsettings:\n  schedule: {{ every: {EVERY}s, jitter: 1s }}\n"
                 "  daemon: { listen: 127.0.0.1:0 }\napps:\n"]
        for name in NAMES:
            accounts = "".join(f"      {email}: {{}}\n" for email in sorted(self.granted[name]))
            lines.append(f"  {name}:\n    connector: connectors/tiny.yaml\n    url: {self.base}/{name}\n"
                         f"    auth: {{ token: {{ env: TOKEN }} }}\n    policy: {policy}\n    accounts:\n{accounts}")
        new = self.root / "all.yaml.new"
        new.write_text("".join(lines))
        new.rename(self.root / "all.yaml")
        self.git("add", "all.yaml", "connectors")
        self.git("commit", "--quiet", "--message", f"commit {self.commits}")


def person(number):
    return f"person{number:03}@example.com"


class Daemon:
    """A daemon whose time of day is set by a file, and whose other clocks are real."""

    def __init__(self, rosterd, root, store, name):
        self.name, self.offset, self.samples = name, root / f"{name}.time", []
        self.set_clock(0)
        library = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        assert library, "install faketime: it sets the clock of one process"
        env = {**os.environ, "TOKEN": name, "RUST_LOG": "info", "LD_PRELOAD": library[0],
               "FAKETIME_TIMESTAMP_FILE": str(self.offset), "FAKETIME_CACHE_DURATION": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        self.log = open(root / f"{name}.log", "w")
        command = [rosterd, "daemon", str(root / "desired-state"), "--store", store]
        self.process = subprocess.Popen(command, env=env, stdout=self.log, stderr=self.log, cwd=root)

    def set_clock(self, seconds):
        self.offset.write_text(f"{seconds:+d}s\n")

    def sample(self):
        proc = pathlib.Path(f"/proc/{self.process.pid}")
        lines = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines() if ":" in line)
        self.samples.append((int(lines["VmRSS"].split()[0]), len(list((proc / "fd").iterdir()))))

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=15)
        assert status == 0, f"{self.name} ended with {status}"


class Weather:
    """Whether everything is fair, so that differences may not last, and since when."""

    def __init__(self):
        self.fair_since = time.monotonic()
        self.foul = False

    def is_fair(self, now):
        return not self.foul and now - self.fair_since > SETTLE


def differences(wanted):
    with wanted.lock, apps.lock:
        return {(name, email) for name in NAMES for email in wanted.granted[name] ^ set(apps.accounts[name].values())}


def watch(wanted, weather, stop, found):
    """Follows how long each difference lasts in good weather."""
    since = {}
    while not stop.wait(0.5):
        now, there = time.monotonic(), differences(wanted)
        since = {one: since.get(one, now) for one in there}
        for one, began in since.items():
            lasted = now - max(began, weather.fair_since + SETTLE)
            if weather.is_fair(now):
                found["longest"] = max(found["longest"], lasted)
                if lasted > LIMIT:
                    found["late"].add(one)


class Trouble:
    """What goes wrong next."""

    def __init__(self, wanted, daemons, weather, store, chance):
        self.wanted, self.daemons, self.weather, self.store, self.chance = wanted, daemons, weather, store, chance
        self.changes, self.done = collections.Counter(), collections.Counter()

    def next(self):
        kinds = {self.comment: 50, self.grant: 15, self.drift: 20, self.clock: 8, self.hang: 1, self.crash: 1}
        kind = self.chance.choices(list(kinds), list(kinds.values()))[0]
        self.done[kind.__name__] += 1
        kind()

    def somebody(self, name):
        """Somebody whose account has not come and gone too often."""
        free = [n for n in range(POOL) if self.changes[name, person(n)] < CHANGES]
        email = person(self.chance.choice(free or [0]))
        self.changes[name, email] += 1
        return email if free else None

    def comment(self):
        with self.wanted.lock:
            self.wanted.commit()

    def grant(self):
        """Grants somebody an account, or takes it away."""
        name = self.chance.choice(NAMES)
        email = self.somebody(name)
        with self.wanted.lock:
            if email:
                self.wanted.granted[name] ^= {email}
            self.wanted.commit()

    def drift(self):
        """An account vanishes, or a stranger comes."""
        name = self.chance.choice(NAMES)
        email = self.somebody(name)
        with apps.lock:
            held = apps.accounts[name]
            ids = [number for number, there in held.items() if there == email]
            if ids:
                del held[ids[0]]
            elif email and email not in self.wanted.granted[name]:
                apps.last += 1
                held[str(apps.last)] = email

    def clock(self):
        self.chance.choice(self.daemons).set_clock(self.chance.randrange(-7200, 7200))

    def outage(self, how):
        self.weather.foul = True
        how()
        self.weather.fair_since, self.weather.foul = time.monotonic(), False

    def hang(self):
        self.outage(lambda: pause_postgres(self.store, self.chance.randrange(5, 60)))

    def crash(self):
        self.outage(lambda: crash_postgres(self.store))


def growth(samples):
    """How much the second half lies above the end of the first quarter, as a share; the beginning fills caches."""
    quarter = len(samples) // 4
    early, late = samples[quarter:2 * quarter], samples[-quarter:]
    mean = lambda of: sum(of) / len(of)
    return mean(late) / mean(early) - 1


def main():
    rosterd = os.path.abspath(sys.argv[1])
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 1800
    seed = int(os.environ.get("SEED", random.randrange(1 << 32)))
    print(f"seed {seed}", flush=True)
    store = os.environ["ROSTERD_TEST_POSTGRES"]
    with tempfile.TemporaryDirectory(prefix="soak.") as place:
        root = pathlib.Path(place)
        wanted = Wanted(root / "desired-state", serve(apps))
        daemons = [Daemon(rosterd, root, store, name) for name in ["one", "two"]]
        try:
            soak(wanted, daemons, store, seconds, random.Random(seed))
        except BaseException:
            command = [rosterd, "plan", str(root / "desired-state"), "--store", store]
            env = {**os.environ, "TOKEN": "plan"}
            print(subprocess.run(command, env=env, capture_output=True, text=True).stdout, file=sys.stderr)
            for daemon in daemons:
                print(f"--- {daemon.name}", *(root / f"{daemon.name}.log").read_text().splitlines()[-60:], sep="\n", file=sys.stderr)
            raise
        finally:
            for daemon in daemons:
                daemon.process.kill()


def soak(wanted, daemons, store, seconds, chance):
    weather, stop, found = Weather(), threading.Event(), {"longest": 0, "late": set()}
    deadline = time.monotonic() + 180
    while differences(wanted):
        assert time.monotonic() < deadline, "the first cycles took longer than three minutes"
        time.sleep(1)
    weather.fair_since = time.monotonic()
    watching = threading.Thread(target=watch, args=(wanted, weather, stop, found), daemon=True)
    watching.start()
    trouble, end, sampled = Trouble(wanted, daemons, weather, store, chance), time.monotonic() + seconds, 0
    while time.monotonic() < end:
        trouble.next()
        time.sleep(chance.uniform(1, 5))
        if time.monotonic() - sampled > 5:
            sampled = time.monotonic()
            for daemon in daemons:
                daemon.sample()
    deadline = time.monotonic() + SETTLE + LIMIT
    while differences(wanted):
        assert time.monotonic() < deadline, f"left at the end: {sorted(differences(wanted))[:10]}"
        time.sleep(1)
    stop.set()
    watching.join()
    print(f"{seconds} s: {wanted.commits} commits, {dict(trouble.done)}; {apps.writes} writes, {len(apps.double)} by two writers at "
          f"once, {len(apps.repeated)} done twice; the longest difference in good weather lasted {found['longest']:.1f} s", flush=True)
    assert not found["late"], f"these lasted for longer than {LIMIT} s: {sorted(found['late'])[:10]}"
    assert not apps.double and not apps.repeated, (apps.double, apps.repeated)
    for daemon in daemons:
        memory, descriptors = ([sample[which] for sample in daemon.samples] for which in [0, 1])
        print(f"{daemon.name}: {memory[-1] / 1024:.1f} MB, {growth(memory):+.1%}; {descriptors[-1]} descriptors, at most "
              f"{max(descriptors)}, {growth(descriptors):+.1%}", flush=True)
        if seconds >= 600:
            assert growth(memory) < 0.1 and growth(descriptors) < 0.1, f"{daemon.name} grows: {daemon.samples[::20]}"
    for daemon in daemons:
        daemon.end()
    print("ok", flush=True)


main()
