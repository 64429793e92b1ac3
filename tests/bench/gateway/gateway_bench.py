#!/usr/bin/python3
"""What the API costs over HTTP: prints one line for each figure, with its unit, beside a peer of the same run.

Usage: gateway_bench.py --gofer PROGRAM --bin DIR [--rounds N] [--seconds N] [--followers N] [--profile FILE]
                        [PART]...

  unary      calls by Connect in JSON and binary, gRPC-Web, and JSON over TLS, beside gRPC: GetSystemInfo
             without a token, GetRun, ListRuns of 50 and StartRun (durable, null scheduler) with one
  floor      api/http alone, with a handler that answers at once, or from another turn of its loop
  crowded    GetRun while as many follow events
  followers  4,990 (a server may have a quarter of its descriptors for HTTP) that follow events by Connect in JSON and binary and by gRPC: memory of each, how late an
             event is with them, processor time of each message
  webhooks   durable webhooks, by webhooks_bench.py, beside the engine's own StartRun and bare SQLite

Without PART: all. DIR is what Bazel has built. Each load has 64 connections with one request at a time; gRPC
has 64 calls on one connection. Server and load have a processor each, where there are two. Rounds follow one
another over all ways, so that what else the machine does hits all alike; a line has the median of the rounds,
and the lowest and highest in brackets. Processor time is the server's, all threads of it. With --profile the
server is sampled with perf in the first round of each load, and where its time goes is written to FILE.NAME.
"""

import argparse
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")
sys.path[:0] = [os.path.join(ROOT, "tests", "harness"), os.path.join(ROOT, "tests", "bench", "engine"),
                os.path.join(ROOT, "extensions-sdk", "examples", "python")]
import modules  # pylint: disable=wrong-import-position
from engine_bench import profiled  # pylint: disable=wrong-import-position
from gofer_server import GoferServer  # pylint: disable=wrong-import-position

CONNECTIONS = 64
EVENTS = 20
RUNS = 60
CONFIG = {
    "access": {"token_streams_max": 0, "token_calls_per_second": 0, "address_calls_per_second": 0,
               "address_calls_max": 0},
    "limits": {"calls_max": 30000},
    "gateway": {"connections_max": 30000},
}
ENVELOPE = struct.Struct(">BI")


def show(what, unit, values, note=""):
    middle = statistics.median(values)
    digits = 0 if middle >= 100 else 1
    print("gateway: %-56s %9.*f %-4s [%.*f to %.*f] %s" % (
        what, digits, middle, unit, digits, min(values), digits, max(values), note), flush=True)


def processor_us(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1e6 / os.sysconf("SC_CLK_TCK")


def resident_kib(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


def pinned(cpu, command):
    return ["taskset", "-c", str(cpu)] + command if (os.cpu_count() or 1) > 1 else command


class Server(GoferServer):
    """With the limits of this bench and a processor of its own; with tls its HTTP is encrypted."""

    def __init__(self, arguments, auth=True, tls=False):
        super().__init__(arguments.gofer, auth=auth, http=not tls)
        config = json.loads(json.dumps(CONFIG))
        if tls:
            certificate = os.path.join(self.data_dir, "certificate.pem")
            key = os.path.join(self.data_dir, "key.pem")
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                            "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj",
                            "/CN=localhost"], check=True, capture_output=True)
            os.chmod(key, 0o600)
            config["gateway"]["listeners"] = [
                {"address": "127.0.0.1:0", "tls": {"certificate_file": certificate, "key_file": key}}]
        path = os.path.join(self.data_dir, "config.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(config, file)
        os.chmod(path, 0o600)
        self.options += ["--config", path]

    def start(self):
        super().start()
        self.http_address = self.read_address("http_addresses")
        if (os.cpu_count() or 1) > 1:
            subprocess.run(["taskset", "-acp", "0", str(self.process.pid)], check=True, capture_output=True)
        return self

    @property
    def port(self):
        return self.http_address.rsplit(":", 1)[1]


class Call:
    """A call, written down in each way."""

    def __init__(self, path, message, with_token=True):
        self.path = path
        self.message = message
        self.with_token = with_token

    def post(self, content_type, body, token):
        lines = ["POST %s HTTP/1.1" % self.path, "Host: localhost", "Content-Type: " + content_type,
                 "Connect-Protocol-Version: 1", "Content-Length: %d" % len(body)]
        lines += ["Authorization: Bearer " + token] if self.with_token and token else []
        return "\r\n".join(lines + ["", ""]).encode() + body

    def json_text(self):
        from google.protobuf import json_format  # pylint: disable=import-outside-toplevel
        return json_format.MessageToJson(self.message, indent=None).encode()

    def request(self, way, token):
        wire = self.message.SerializeToString()
        bodies = {
            "json": ("application/json", self.json_text()),
            "tls": ("application/json", self.json_text()),
            "proto": ("application/proto", wire),
            "web": ("application/grpc-web+proto", ENVELOPE.pack(0, len(wire)) + wire),
            "grpc": ("", wire),
            "stream_json": ("application/connect+json",
                            ENVELOPE.pack(0, len(self.json_text())) + self.json_text()),
            "stream_proto": ("application/connect+proto", ENVELOPE.pack(0, len(wire)) + wire),
        }
        content_type, body = bodies[way]
        return body if way == "grpc" else self.post(content_type, body, token)


WAYS = {"grpc": "gRPC", "json": "Connect JSON", "proto": "Connect binary", "web": "gRPC-Web",
        "tls": "Connect JSON, TLS"}


class Bench:
    def __init__(self, arguments):
        self.arguments = arguments
        self.work = tempfile.mkdtemp(prefix="gofer-bench-", dir="/tmp")

    def program(self, name):
        return os.path.join(self.arguments.bin, "tests/bench/gateway", name)

    def file(self, name, content):
        path = os.path.join(self.work, name)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def load(self, server, way, call, seconds, expected=""):
        request = self.file("request", call.request(way, server.token))
        if way == "grpc":
            command = [os.path.join(self.arguments.bin, "tests/bench/rpc/load"), server.address, call.path,
                       str(CONNECTIONS), str(seconds), request]
            command += [server.token] if call.with_token else []
        else:
            expected = "grpc-status: 0" if way == "web" else expected
            command = [self.program("http_load"), server.port, request, str(CONNECTIONS), str(seconds),
                       expected] + (["tls"] if way == "tls" else [])
        before = processor_us(server.process.pid)
        out = subprocess.run(pinned(1, command), check=True, capture_output=True, text=True).stdout.split()
        rate, p50, p99, count, failed = (int(each) for each in out)
        if failed:
            raise SystemExit("%s: %d of %d failed" % (call.path, failed, count))
        return {"rate": rate, "p50": p50, "p99": p99,
                "cpu": (processor_us(server.process.pid) - before) / count}

    def show_loads(self, what, results):
        for way, each in results.items():
            title = "%s, %s" % (what, WAYS.get(way, way))
            for key, name, unit in (("rate", "", "1/s"), ("p50", ", p50", "us"), ("p99", ", p99", "us"),
                                    ("cpu", ", server's processor", "us")):
                show(title + name, unit, [result[key] for result in each])

    def profiled(self, server, round_number, name):
        path = self.arguments.profile
        return profiled(server.process.pid, "%s.%s" % (path, name) if path and round_number == 0 else None)

    def prepare(self, server):
        """A pipeline with some runs."""
        path = self.file("pipeline.json", json.dumps({"id": "pipeline", "tasks": [
            {"id": "task", "image": "busybox:latest", "command": ["true"]}]}).encode())
        server.run("up", path)
        for _ in range(RUNS):
            server.run("pipeline", "run", "pipeline")

    def calls(self):
        from gofer.v1 import run_pb2, system_pb2  # pylint: disable=import-outside-toplevel
        return {
            "GetSystemInfo": Call("/gofer.v1.SystemService/GetSystemInfo", system_pb2.GetSystemInfoRequest(),
                                  False),
            "GetRun": Call("/gofer.v1.RunService/GetRun",
                           run_pb2.GetRunRequest(pipeline_id="pipeline", run_id=1)),
            "ListRuns": Call("/gofer.v1.RunService/ListRuns", run_pb2.ListRunsRequest(pipeline_id="pipeline")),
            "StartRun": Call("/gofer.v1.RunService/StartRun", run_pb2.StartRunRequest(pipeline_id="pipeline")),
        }

    # ---- Parts ----

    def unary(self):
        with Server(self.arguments) as plain, Server(self.arguments, tls=True) as tls:
            for server in (plain, tls):
                self.prepare(server)
            for name, call in self.calls().items():
                results = {way: [] for way in WAYS}
                for number in range(self.arguments.rounds):
                    for way in WAYS:
                        server = tls if way == "tls" else plain
                        with self.profiled(server, number, "%s.%s" % (name, way)):
                            results[way].append(self.load(server, way, call, self.arguments.seconds))
                self.show_loads(name, results)

    def floor(self):
        request = self.file("request", Call("/", None, False).post("application/json", b"{}", None))
        for how in ("at_once", "woken"):
            results = []
            with subprocess.Popen(pinned(0, [self.program("http_floor"), how]), stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True) as floor:
                port = floor.stdout.readline().strip()
                for _ in range(self.arguments.rounds):
                    before = processor_us(floor.pid)
                    out = subprocess.run(
                        pinned(1, [self.program("http_load"), port, request, str(CONNECTIONS),
                                   str(self.arguments.seconds), "version"]),
                        check=True, capture_output=True, text=True).stdout.split()
                    results.append({"rate": int(out[0]), "p50": int(out[1]), "p99": int(out[2]),
                                    "cpu": (processor_us(floor.pid) - before) / int(out[3])})
                floor.stdin.close()
            self.show_loads("floor, api/http", {how.replace("_", " "): results})

    def follow(self, server, way, count, while_following=None):
        """(KiB of each follower, the figures of follow.h, processor time of a message)"""
        from gofer.v1 import event_pb2, namespace_pb2  # pylint: disable=import-outside-toplevel
        from google.protobuf import field_mask_pb2  # pylint: disable=import-outside-toplevel
        cause = Call("/gofer.v1.NamespaceService/UpdateNamespace", namespace_pb2.UpdateNamespaceRequest(
            namespace_id="default", description="########",
            update_mask=field_mask_pb2.FieldMask(paths=["description"])))
        follow = Call("/gofer.v1.EventService/FollowEvents", event_pb2.FollowEventsRequest())
        command = [server.port, self.file("cause", cause.request("json", server.token)), str(count), str(EVENTS)]
        request = self.file("request", follow.request(way, server.token))
        if way == "grpc":
            command = [self.program("grpc_followers")] + command + [server.address, follow.path, request,
                                                                     server.token]
        else:
            command = [self.program("http_followers")] + command + [request]
        pid = server.process.pid
        before_kib = resident_kib(pid)
        with subprocess.Popen(pinned(1, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as program:
            if program.stdout.readline() != "ready\n":
                raise SystemExit("followers: failed\n" + server.log()[-2000:])
            kib = (resident_kib(pid) - before_kib) / count
            before_us = processor_us(pid)
            program.stdin.write("\n")
            program.stdin.flush()
            figures = [int(each) for each in program.stdout.readline().split()]
            cpu = (processor_us(pid) - before_us) / figures[5]
            if while_following is not None:
                while_following()
            program.stdin.close()
        return [kib] + figures[:5] + [cpu]

    def followers(self):
        count = self.arguments.followers
        names = {"stream_json": "Connect JSON", "stream_proto": "Connect binary", "grpc": "gRPC"}
        results = {way: [] for way in names}
        for number in range(self.arguments.rounds):
            for way in names:
                with Server(self.arguments) as server:
                    with self.profiled(server, number, "followers." + way):
                        results[way].append(self.follow(server, way, count))
        for way, rounds in results.items():
            title = "%d followers, %s: " % (count, names[way])
            for index, (what, unit, scale) in enumerate((
                    ("memory of each", "KiB", 1), ("p50 of an event to each", "ms", 1000),
                    ("p99", "ms", 1000), ("most", "ms", 1000), ("p50 of an event to the last", "ms", 1000),
                    ("p99", "ms", 1000), ("server's processor, a message", "us", 1))):
                show(title + what, unit, [each[index] / scale for each in rounds])

    def crowded(self):
        call = self.calls()["GetRun"]
        results = {"json": [], "grpc": []}
        for _ in range(self.arguments.rounds):
            with Server(self.arguments) as server:
                self.prepare(server)

                def while_following(server=server):
                    for way, each in results.items():
                        each.append(self.load(server, way, call, self.arguments.seconds))

                self.follow(server, "stream_proto", self.arguments.followers, while_following)
        self.show_loads("GetRun beside %d followers" % self.arguments.followers, results)

    def webhooks(self):
        subprocess.run([os.path.join(os.path.dirname(os.path.abspath(__file__)), "webhooks_bench.py"),
                        self.arguments.gofer,
                        os.path.join(self.arguments.bin, "extensions-sdk/examples/webhook"),
                        self.program("webhooks"), str(self.arguments.seconds)], check=True)
        # The engine's own figure, and bare SQLite: runs that people start over gRPC.
        with GoferServer(self.arguments.gofer) as server:
            subprocess.run([os.path.join(self.arguments.bin, "tests/bench/engine/runs_bench"), server.socket,
                            "--database", os.path.join(server.data_dir, "gofer.db"), "--calls", "256",
                            "--seconds", str(self.arguments.seconds), "--server-pid",
                            str(server.process.pid)], check=True)


PARTS = ("floor", "unary", "followers", "crowded", "webhooks")


def main():
    parser = argparse.ArgumentParser(description="Measures the API over HTTP.")
    parser.add_argument("--gofer", required=True)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3, help="of each load")
    parser.add_argument("--followers", type=int, default=4990)
    parser.add_argument("--profile", metavar="FILE")
    parser.add_argument("parts", nargs="*", metavar="PART", help="one of " + ", ".join(PARTS))
    arguments = parser.parse_args()
    bench = Bench(arguments)
    with tempfile.TemporaryDirectory(prefix="gofer-modules-") as out:
        modules.make_modules(os.path.join(ROOT, "proto"), out)
        sys.path.insert(0, out)
        for part in arguments.parts or PARTS:
            getattr(bench, part)()


if __name__ == "__main__":
    main()
