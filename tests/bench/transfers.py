#!/usr/bin/python3
"""Transfers beside the best of the field: nginx with curl, libtorrent, and what two cores can do.

Usage: transfers.py BIN_DIR SCRATCH_DIR [--runs N] [--mib N] [--files N] [--what LIST]

BIN_DIR holds peersyncd, peersync, bench_bound and bench_apart. All files lie below SCRATCH_DIR, on one file
system, warm in the page cache. Everything is measured in this one run, in turns, so that what else
the machine does hits all alike; congestion control is the network's, the same for all (ci/bench
gives this script a network of its own). A line a measurement has the median, the least and the
most; the ratios at the end are held to what the project promises, and the exit code tells. LIST:
large, torrent, small with commas between; all three unless told otherwise.
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time

PASSWORD = "bench-password"
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_of(pids):
    """Seconds of processor time that these processes have used so far."""
    total = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def until(what, holds, seconds=60):
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            sys.exit(f"after {seconds} s: not yet {what}")
        time.sleep(0.005)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def run(command, **options):
    """Runs a command to its end; its wall and processor seconds."""
    began = time.monotonic()
    process = subprocess.Popen(command, **options)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{command[0]} ended with {process.returncode}")
    return wall, usage.ru_utime + usage.ru_stime


class Stage:
    """Where it all happens, and the processes that end with it."""

    def __init__(self, bin_dir, scratch):
        self.bin = pathlib.Path(bin_dir).resolve()
        self.dir = pathlib.Path(scratch).resolve()
        self.running = []

    def start(self, command, **options):
        process = subprocess.Popen(command, **options)
        self.running.append(process)
        return process

    def end(self):
        for process in self.running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM) # nginx takes its workers with it.
        for process in self.running:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Samples:
    """Measurements of one kind: seconds, and processor seconds of who gives and who takes."""

    def __init__(self, name, size):
        self.name, self.size, self.wall, self.give, self.take = name, size, [], [], []

    def add(self, wall, give, take):
        self.wall.append(wall)
        self.give.append(give)
        self.take.append(take)

    def rate(self):
        return self.size / 1e9 / statistics.median(self.wall)

    def show(self):
        gb = self.size / 1e9
        print(f"{self.name:34} {self.rate():6.3f} GB/s ({gb / max(self.wall):.3f}.."
              f"{gb / min(self.wall):.3f})   cpu s/GB: gives "
              f"{statistics.median(self.give) / gb:.3f}, takes "
              f"{statistics.median(self.take) / gb:.3f}", flush=True)


class Ours:
    """A server, a peer that shares, and one that downloads at its prompt."""

    def __init__(self, stage, files, *options, name="ours"):
        self.stage, self.options = stage, options
        self.dir = stage.dir / name
        self.down = self.dir / "down"
        self.down.mkdir(parents=True)
        for user in "alice", "bob":
            subprocess.run([stage.bin / "peersyncd", "user", "add", user], cwd=self.dir,
                           input=PASSWORD + "\n", text=True, check=True, capture_output=True)
        log = self.dir / "server.log"
        with open(log, "w") as err:
            stage.start([stage.bin / "peersyncd", "0"], cwd=self.dir, stderr=err)
        until("listening", lambda: "listening on" in log.read_text())
        self.port = log.read_text().split("listening on ")[1].split()[0].rsplit(":", 1)[1]
        self.giver = self.share(files)
        self.taker = None

    def peer(self, user, *command, program="peersync"):
        return [self.stage.bin / program, self.port, "--user", user, "--state",
                self.dir / f"state-{user}", *self.options, *command]

    def environment(self):
        return {**os.environ, "PEERSYNC_PASSWORD": PASSWORD}

    def share(self, files):
        log = self.dir / "alice.log"
        with open(log, "w") as err:
            process = self.stage.start(self.peer("alice", "share", *files), stdout=err, stderr=err,
                                       env=self.environment())
        until("sharing", lambda: "serving until" in log.read_text(), 300)
        return process

    def prompt(self):
        if self.taker is None:
            self.taker = self.stage.start(
                self.peer("bob", "--json", "--download-dir", self.down), stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=open(self.dir / "bob.log", "w"), text=True,
                env=self.environment())
            self.ask("lap", "alice")
        return self.taker

    def ask(self, command, answer):
        self.taker.stdin.write(command + "\n")
        self.taker.stdin.flush()
        for line in self.taker.stdout:
            if answer in line:
                return json.loads(line)
        sys.exit(f"{command}: " + (self.dir / "bob.log").read_text())

    def fetch(self, name, samples):
        self.prompt()
        pids = self.giver.pid, self.taker.pid
        before = [cpu_of([pid]) for pid in pids]
        began = time.monotonic()
        self.ask(f"get {name}", '"path"')
        wall = time.monotonic() - began
        samples.add(wall, *(cpu_of([pid]) - b for pid, b in zip(pids, before)))
        (self.down / name).unlink()


class Nginx:
    """nginx with TLS 1.3 as it comes, and curl followed by openssl dgst."""

    def __init__(self, stage, folder, workers):
        self.dir = stage.dir / f"nginx-{workers}"
        self.dir.mkdir()
        self.port = free_port()
        key, certificate = self.dir / "key.pem", self.dir / "certificate.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-keyout", key, "-out", certificate], check=True, capture_output=True)
        (self.dir / "nginx.conf").write_text(f"""
            worker_processes {workers};
            daemon off;
            pid {self.dir}/pid;
            error_log {self.dir}/error.log;
            user {'root' if os.getuid() == 0 else 'nobody'};
            events {{ }}
            http {{
                access_log off;
                sendfile on;
                server {{
                    listen 127.0.0.1:{self.port} ssl;
                    ssl_protocols TLSv1.3;
                    ssl_certificate {certificate};
                    ssl_certificate_key {key};
                    root {folder};
                }}
            }}""")
        master = stage.start(["nginx", "-c", self.dir / "nginx.conf"],
                             stderr=open(self.dir / "start.log", "w"))
        until("nginx there", lambda: self.answers())
        children = pathlib.Path(f"/proc/{master.pid}/task/{master.pid}/children").read_text()
        self.pids = [int(pid) for pid in children.split()]

    def answers(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def fetch(self, name, samples):
        target = self.dir / name
        before = cpu_of(self.pids)
        got, get_cpu = run(["curl", "-skf", "--tlsv1.3", "-o", target,
                            f"https://127.0.0.1:{self.port}/{name}"])
        give = cpu_of(self.pids) - before
        hashed, hash_cpu = run(["openssl", "dgst", "-sha256", target], stdout=subprocess.DEVNULL)
        samples.add(got + hashed, give, get_cpu + hash_cpu)
        target.unlink()


# What both of libtorrent's contestants need to meet here: loopback alone, and TCP, so that one
# congestion control holds for all.
TORRENT_HERE = {
    "listen_interfaces": "127.0.0.1:0", "enable_dht": False, "enable_lsd": False,
    "enable_upnp": False, "enable_natpmp": False, "enable_outgoing_utp": False,
    "enable_incoming_utp": False, "allow_multiple_connections_per_ip": True}

# The fastest that we found: large buffers and queues, no encryption, no limits.
TORRENT_TUNED = {
    "out_enc_policy": 2, "in_enc_policy": 2, "upload_rate_limit": 0, "download_rate_limit": 0,
    "send_buffer_low_watermark": 1 << 20, "send_buffer_watermark": 16 << 20,
    "send_buffer_watermark_factor": 200, "max_queued_disk_bytes": 64 << 20,
    "send_socket_buffer_size": 0, "recv_socket_buffer_size": 0, "aio_threads": 4,
    "hashing_threads": 2, "max_out_request_queue": 2000, "max_allowed_in_request_queue": 4000,
    "request_queue_time": 3}

# All that libtorrent has against listeners: forced RC4 (message stream encryption).
TORRENT_SEALED = {
    "out_enc_policy": 0, "in_enc_policy": 0, "allowed_enc_level": 2, "prefer_rc4": True}


def torrent_session(seed, kind):
    import libtorrent as lt

    tuned = "tuned" in kind
    settings = lt.high_performance_seed() if seed and tuned else lt.default_settings()
    settings.update(TORRENT_HERE)
    settings["alert_mask"] = lt.alert.category_t.status_notification
    if tuned:
        settings.update(TORRENT_TUNED)
    if "sealed" in kind:
        settings.update(TORRENT_SEALED)
    session = lt.session(settings)
    until("a torrent port", lambda: session.listen_port() != 0)
    return lt, session


def torrent_main(role, kind, torrent, folder, port):
    """One side of a torrent, in a process of its own; says where it stands on stdout."""
    lt, session = torrent_session(role == "seed", kind)
    params = lt.add_torrent_params()
    params.ti = lt.torrent_info(torrent)
    params.save_path = folder
    params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
    if role == "seed":
        params.flags |= lt.torrent_flags.seed_mode
    began = time.monotonic()
    handle = session.add_torrent(params)
    if role == "seed":
        print(session.listen_port(), flush=True)
        sys.stdin.read()
        return
    handle.connect_peer(("127.0.0.1", int(port)))
    while not handle.status().is_seeding:
        time.sleep(0.002)
    print(time.monotonic() - began, flush=True)


class Torrent:
    """A v2-only torrent between two processes: as libtorrent comes ("stock") or "tuned", in the
    clear or (with "-sealed") by RC4."""

    def __init__(self, stage, file, kind):
        import libtorrent as lt

        self.stage, self.file, self.kind = stage, file, kind
        self.dir = stage.dir / f"torrent-{kind}"
        self.dir.mkdir()
        storage = lt.file_storage()
        lt.add_files(storage, str(file))
        torrent = lt.create_torrent(storage, piece_size=1 << 20, flags=lt.create_torrent.v2_only)
        lt.set_piece_hashes(torrent, str(file.parent))
        self.torrent = self.dir / "torrent"
        self.torrent.write_bytes(lt.bencode(torrent.generate()))
        self.seed = stage.start(self.side("seed", file.parent, 0), stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, text=True)
        self.port = self.seed.stdout.readline().strip()

    def side(self, role, folder, port):
        return [sys.executable, __file__, "--torrent-side", role, self.kind, self.torrent,
                folder, str(port)]

    def fetch(self, samples):
        target = self.dir / "down"
        target.mkdir()
        before = cpu_of([self.seed.pid])
        leech = subprocess.Popen(self.side("leech", target, self.port), stdout=subprocess.PIPE,
                                 text=True)
        wall = float(leech.stdout.readline())
        take = cpu_of([leech.pid]) # A process of Python's costs some 0.1 s of it at its start.
        leech.kill()
        leech.wait()
        samples.add(wall, cpu_of([self.seed.pid]) - before, take)
        shutil.rmtree(target)


def hold(name, value, least):
    fine = value >= least
    print(f"{name}: {value:.2f}, promised {least:.2f}{'' if fine else '   MISSED'}", flush=True)
    return fine


def make_file(path, length):
    with open(path, "wb") as out:
        while length > 0:
            part = os.urandom(min(length, 1 << 24))
            out.write(part)
            length -= len(part)


def large(stage, args, what):
    size = args.mib << 20
    (stage.dir / "src").mkdir()
    file = stage.dir / "src" / "large"
    make_file(file, size)
    runs, kept = [], {}

    def contestant(key, name, fetch):
        kept[key] = Samples(name, size)
        runs.append(lambda: fetch(kept[key]))

    if "large" in what:
        sealed = Ours(stage, [file], name="sealed")
        contestant("sealed", "peersync, TLS, verified", lambda s: sealed.fetch("large", s))
        for workers in 1, 2:
            web = Nginx(stage, file.parent, workers)
            contestant(f"nginx{workers}", f"nginx ({workers}), curl, dgst",
                       lambda s, web=web: web.fetch("large", s))
        plain = Ours(stage, [file], "--plain-transfers", name="plain")
        contestant("plain", "peersync, plain, verified", lambda s: plain.fetch("large", s))
    if "torrent" in what:
        for kind in "stock", "tuned", "stock-sealed", "tuned-sealed":
            torrent = Torrent(stage, file, kind)
            contestant(kind, f"libtorrent, {kind}", torrent.fetch)
    bounds = []
    for _ in range(args.runs):
        for fetch in runs:
            fetch()
        out = subprocess.run([stage.bin / "bench_bound", file, stage.dir / "bound", "1"],
                             check=True, capture_output=True, text=True).stdout
        bounds.append({k: float(v) for k, v in (part.split("=") for part in out.split())})
    for samples in kept.values():
        samples.show()
    cost = {k: statistics.median(b[k] for b in bounds) for k in bounds[0]}
    bound = 2 / (cost["move_cpu_s_per_gb"] + cost["hash_cpu_s_per_gb"])
    print(f"two cores' bound {bound:25.3f} GB/s   cpu s/GB: moving "
          f"{cost['move_cpu_s_per_gb']:.3f}, hashing {cost['hash_cpu_s_per_gb']:.3f}")
    fine = True
    if "large" in what:
        best = max(kept["nginx1"].rate(), kept["nginx2"].rate())
        fine &= hold("TLS with verification / nginx, curl, dgst", kept["sealed"].rate() / best, 1.2)
    if "plain" in kept:
        fine &= hold("plain with verification / bound", kept["plain"].rate() / bound, 0.8)
    if "torrent" in what:
        # As it comes, libtorrent is what its users have: three times that, each stream against the
        # other's of its kind (clear or encrypted), is the aim. The other ratios are what must not
        # be lost again: for TLS against a clear stream two cores leave no room for three times
        # (see the bound, and AES-GCM at both ends is 0.4 CPU s/GB more).
        for key, kind, least in (("plain", "stock", 3), ("sealed", "stock-sealed", 3),
                                 ("plain", "tuned", 1.7), ("sealed", "tuned-sealed", 2.5),
                                 ("sealed", "stock", 1.4), ("sealed", "tuned", 0.9)):
            if key in kept:
                ratio = kept[key].rate() / kept[kind].rate()
                fine &= hold(f"{key} / libtorrent, {kind}", ratio, least)
    return fine


def small(stage, args):
    """Many small files in one command, over kept connections and over one each. What a command
    takes that fetches nothing (start, login, logout) is subtracted."""
    folder = stage.dir / "small"
    folder.mkdir()
    for i in range(args.files):
        make_file(folder / f"f{i:05}", 4096)
    names = sorted(os.listdir(folder))
    rates = {}
    ours = Ours(stage, [folder / name for name in names], name="many")
    for key, program in ("kept", "peersync"), ("one each", "bench_apart"):
        walls = []
        idle = statistics.median(
            run(ours.peer("bob", "lap", program=program), env=ours.environment(),
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)[0] for _ in range(args.runs))
        for _ in range(args.runs):
            wall, _ = run(ours.peer("bob", "--quiet", "--download-dir", ours.down, "get", *names, program=program),
                          env=ours.environment(), stdout=subprocess.DEVNULL)
            got = len(os.listdir(ours.down))
            if got != args.files:
                sys.exit(f"only {got} files arrived")
            walls.append(wall - idle)
            shutil.rmtree(ours.down)
            ours.down.mkdir()
        rates[key] = args.files / statistics.median(walls)
        print(f"{args.files} files of 4 KiB, {key:8} {rates[key]:8.0f} files/s "
              f"({args.files / max(walls):.0f}..{args.files / min(walls):.0f})", flush=True)
    return hold("kept connections / one a file", rates["kept"] / rates["one each"], 5)


def main():
    if sys.argv[1:2] == ["--torrent-side"]:
        torrent_main(*sys.argv[2:])
        return 0
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bin_dir")
    parser.add_argument("scratch_dir")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--mib", type=int, default=2048)
    parser.add_argument("--files", type=int, default=10000)
    parser.add_argument("--what", default="large,torrent,small")
    args = parser.parse_args()
    what = args.what.split(",")
    control = pathlib.Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip()
    kind = subprocess.run(["stat", "-f", "-c", "%T", args.scratch_dir], check=True, text=True,
                          capture_output=True).stdout.strip()
    print(f"congestion control {control} for all; files on {kind}; {os.cpu_count()} cores; "
          f"medians of {args.runs} (least..most)", flush=True)
    stage = Stage(args.bin_dir, args.scratch_dir)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    fine = True
    try:
        if {"large", "torrent"} & set(what):
            fine &= large(stage, args, what)
        if "small" in what:
            fine &= small(stage, args)
    finally:
        stage.end()
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
