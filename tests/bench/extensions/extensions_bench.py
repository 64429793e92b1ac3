#!/usr/bin/python3
"""What extensions cost: prints one line for each figure, with its unit, beside a floor of the same run.

Usage: extensions_bench.py --gofer PROGRAM --cron PROGRAM --interval PROGRAM [--minutes N] [PART]...

  cron      10,000 subscriptions spread over the minutes: how late their runs are, and the share of a
            core that the extension takes; then all 10,000 in the same minute: when the last is there
  interval  1,000 subscriptions of every 5 seconds, spread by their jitter

Without PART: all. Each is measured twice: with a real server (the null scheduler), where a run counts
when it is durable, and with a stand-in for gofer that only acknowledges, which is the extension
alone. The floor of lateness is this program itself, woken by the kernel at whole seconds.
"""

import argparse
import concurrent.futures
import os
import resource
import subprocess
import sys
import tempfile
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")
sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.join(ROOT, "tests", "harness"),
                os.path.join(ROOT, "extensions-sdk", "examples", "python")]
import modules  # pylint: disable=wrong-import-position
from gofer_server import GoferServer  # pylint: disable=wrong-import-position

CRON_COUNT = 10000
INTERVAL_COUNT = 1000
INTERVAL_SECONDS = 30
PIPELINE_SUBSCRIPTIONS = 1000
CALLS_AT_ONCE = 32
START_TIMEOUT_S = 120
BURST_TIMEOUT_S = 60
WAKES = 200


def figure(what, value, unit, note=""):
    print("extensions: %-58s %10.2f %-10s %s" % (what, value, unit, note), flush=True)


def share(values, part):
    """A percentile of sorted values."""
    return values[min(int(len(values) * part), len(values) - 1)]


def lateness(what, errors):
    if not errors:
        print("extensions: %s: no run was started" % what)
        return
    figure(what + ", p50", share(errors, 0.50), "ms", "of %d runs" % len(errors))
    figure(what + ", p99", share(errors, 0.99), "ms")
    figure(what + ", last", errors[-1], "ms")


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid):
    with open("/proc/%d/statm" % pid, encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


def measure_floor():
    """How late the kernel wakes a program that sleeps until a time."""
    errors = []
    for _ in range(WAKES):
        due = (time.time_ns() // 10**7 + 1) * 10**7
        time.sleep(max(due - time.time_ns(), 0) / 1e9)
        errors.append((time.time_ns() - due) / 1e6)
    errors.sort()
    figure("floor: a sleep of this program, p50", share(errors, 0.50), "ms")
    figure("floor: a sleep of this program, p99", share(errors, 0.99), "ms")


def seconds_to_minute():
    return 60 - time.time() % 60


def avoid_minute(seconds):
    """What is set up must be ready before the minute ends: waits for the next one if it is near."""
    if seconds_to_minute() < seconds:
        time.sleep(seconds_to_minute() + 1)


class Program:
    """An extension that runs by hand."""

    def __init__(self, program, extension_id, address):
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith("GOFER_")}
        environment.update(GOFER_EXTENSION_ID=extension_id, GOFER_HOST=address,
                           GOFER_LOG_LEVEL="warning")
        self.process = subprocess.Popen([program], env=environment, stdin=subprocess.DEVNULL)

    def __enter__(self):
        return self.process

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


# ---- The extension alone ----


def alone(program, extension_id, settings_of, count, act):
    """Runs it with the stand-in; act(process, stand_in) measures."""
    from stand_in import StandIn  # pylint: disable=import-outside-toplevel
    with tempfile.TemporaryDirectory(prefix="gofer-bench-", dir="/tmp") as work:
        socket = os.path.join(work, "gofer.sock")
        stand_in = StandIn(socket, settings_of, count)
        with Program(program, extension_id, "unix:" + socket) as process:
            if not stand_in.ready.wait(START_TIMEOUT_S):
                raise RuntimeError("the extension is not ready")
            act(process, stand_in)
        stand_in.stop()


# ---- With a server ----


class Real:
    """A server with pipelines, an extension that runs by hand, and its subscriptions."""

    def __init__(self, server, extension_id, settings_of, count):
        import grpc  # pylint: disable=import-outside-toplevel
        self.server = server
        self.extension_id = extension_id
        self.settings_of = settings_of
        self.count = count
        self.pipelines = ["pipeline-%d" % number
                          for number in range((count - 1) // PIPELINE_SUBSCRIPTIONS + 1)]
        self.channel = grpc.insecure_channel(
            server.address, options=[("grpc.max_receive_message_length", -1)])

    def install(self):
        from gofer.v1 import extension_pb2, extension_pb2_grpc  # pylint: disable=import-outside-toplevel
        import json  # pylint: disable=import-outside-toplevel
        for name in self.pipelines:
            text = json.dumps({"id": name, "parallelism": 0, "tasks": [
                {"id": "task", "image": "busybox:latest", "command": ["true"]}]})
            path = os.path.join(self.server.data_dir, name + ".json")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            self.server.run("pipeline", "register", path)
        settings = {"min_interval": "1s"} if self.extension_id == "interval" else {}
        extension_pb2_grpc.ExtensionServiceStub(self.channel).InstallExtension(
            extension_pb2.InstallExtensionRequest(extension_id=self.extension_id, settings=settings))

    def wait_until_running(self):
        from gofer.v1 import extension_pb2, extension_pb2_grpc  # pylint: disable=import-outside-toplevel
        stub = extension_pb2_grpc.ExtensionServiceStub(self.channel)
        for answer in stub.WatchExtension(
                extension_pb2.WatchExtensionRequest(extension_id=self.extension_id),
                timeout=START_TIMEOUT_S):
            if answer.extension.state == extension_pb2.EXTENSION_STATE_RUNNING:
                return

    def subscribe(self):
        from gofer.v1 import subscription_pb2, subscription_pb2_grpc  # pylint: disable=import-outside-toplevel
        stub = subscription_pb2_grpc.SubscriptionServiceStub(self.channel)

        def one(number):
            stub.CreateSubscription(subscription_pb2.CreateSubscriptionRequest(
                pipeline_id=self.pipelines[number // PIPELINE_SUBSCRIPTIONS],
                extension_id=self.extension_id, subscription_id="subscription-%d" % number,
                settings=self.settings_of(number)))

        begin = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
            list(pool.map(one, range(self.count)))
        figure("%s: subscriptions created, by a client in Python" % self.extension_id,
               self.count / (time.monotonic() - begin), "1/s")

    def errors_ms(self, variable, since_ns=0):
        """How long after its time each run was created; of times from `since_ns` on."""
        from gofer.v1 import run_pb2, run_pb2_grpc  # pylint: disable=import-outside-toplevel
        from stand_in import key_time_ns  # pylint: disable=import-outside-toplevel
        stub = run_pb2_grpc.RunServiceStub(self.channel)
        errors = []
        for name in self.pipelines:
            token = ""
            while True:
                page = stub.ListRuns(run_pb2.ListRunsRequest(
                    pipeline_id=name, page_size=1000, page_token=token))
                for run in page.runs:
                    due = next(key_time_ns(each.value) for each in run.variables
                               if each.key == variable)
                    if due >= since_ns:
                        errors.append((run.create_time.ToNanoseconds() - due) / 1e6)
                token = page.next_page_token
                if not token:
                    break
        return sorted(errors)


def real(arguments, program, extension_id, settings_of, count, act):
    """Runs it with a server; act(process, real) measures."""
    with GoferServer(arguments.gofer, scheduler="null") as server:
        bench = Real(server, extension_id, settings_of, count)
        bench.install()
        with Program(program, extension_id, server.address) as process:
            bench.wait_until_running()
            bench.subscribe()
            act(process, bench)


# ---- cron ----

CRON_TIME = "GOFER_EXTENSION_CRON_SCHEDULED_TIME"


def spread_over_minutes(number):
    return {"expression": "%d * * * *" % (number % 60), "time_zone": "Europe/Berlin"}


def every_minute(_number):
    return {"expression": "* * * * *", "time_zone": "Europe/Berlin"}


def measure_minutes(process, minutes):
    """Waits for so many minutes; gives the share of a core in percent, and the memory in MiB."""
    time.sleep(seconds_to_minute() - 5 if seconds_to_minute() > 5 else 0)
    begin, used = time.monotonic(), cpu_seconds(process.pid)
    time.sleep(minutes * 60)
    return (100 * (cpu_seconds(process.pid) - used) / (time.monotonic() - begin),
            resident_mib(process.pid))


def cron_alone(arguments):
    def minutes(process, stand_in):
        cpu, memory = measure_minutes(process, arguments.minutes)
        lateness("cron alone: 10,000 spread over the minutes", stand_in.errors_ms())
        figure("cron alone: share of a core", cpu, "%")
        figure("cron alone: memory", memory, "MiB")

    def burst(_process, stand_in):
        time.sleep(seconds_to_minute())
        deadline = time.monotonic() + BURST_TIMEOUT_S / 2
        while len(stand_in.arrivals) < CRON_COUNT and time.monotonic() < deadline:
            time.sleep(0.1)
        lateness("cron alone: all 10,000 in one minute", stand_in.errors_ms())

    alone(arguments.cron, "cron", spread_over_minutes, CRON_COUNT, minutes)
    avoid_minute(20)
    alone(arguments.cron, "cron", every_minute, CRON_COUNT, burst)


def cron_real(arguments):
    def minutes(process, bench):
        since = time.time_ns()
        cpu, memory = measure_minutes(process, arguments.minutes)
        lateness("cron: 10,000 spread over the minutes", bench.errors_ms(CRON_TIME, since))
        figure("cron: share of a core", cpu, "%")
        figure("cron: memory", memory, "MiB")

    def burst(_process, bench):
        # Whoever came in during an earlier minute has its runs too: only the last one counts.
        since = (time.time_ns() // (60 * 10**9) + 1) * 60 * 10**9
        time.sleep(seconds_to_minute() + 10)
        lateness("cron: all 10,000 in one minute", bench.errors_ms(CRON_TIME, since))

    real(arguments, arguments.cron, "cron", spread_over_minutes, CRON_COUNT, minutes)
    real(arguments, arguments.cron, "cron", every_minute, CRON_COUNT, burst)


def cron(arguments):
    cron_alone(arguments)
    cron_real(arguments)


# ---- interval ----


def every_five_seconds(_number):
    return {"every": "5s"}


def interval(arguments):
    """Its lateness is not seen from outside, because of the jitter: only what it costs."""
    def act(what):
        def measure(process, bench):
            begin, used = time.monotonic(), cpu_seconds(process.pid)
            time.sleep(INTERVAL_SECONDS)
            cpu = 100 * (cpu_seconds(process.pid) - used) / (time.monotonic() - begin)
            count = len(bench.arrivals) if hasattr(bench, "arrivals") else len(
                bench.errors_ms("GOFER_EXTENSION_INTERVAL_SCHEDULED_TIME"))
            figure(what + ": 1,000 of every 5 s, share of a core", cpu, "%",
                   "%d runs" % count)
        return measure

    # The stand-in has no configuration: the shortest interval is its default.
    alone(arguments.interval, "interval", lambda _number: {"every": "1m", "jitter": "1m"},
          INTERVAL_COUNT, lambda process, stand_in: None)
    real(arguments, arguments.interval, "interval", every_five_seconds, INTERVAL_COUNT,
         act("interval"))


PARTS = {"cron": cron, "interval": interval}


def main():
    parser = argparse.ArgumentParser(description="Measures extensions.")
    parser.add_argument("--gofer", required=True)
    parser.add_argument("--cron", required=True)
    parser.add_argument("--interval", required=True)
    parser.add_argument("--minutes", type=int, default=3, help="how long cron is watched")
    parser.add_argument("parts", nargs="*", metavar="PART")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gofer-modules-") as out:
        modules.make_modules(os.path.join(ROOT, "proto"), out)
        sys.path.insert(0, out)
        measure_floor()
        for name in arguments.parts or PARTS:
            PARTS[name](arguments)


if __name__ == "__main__":
    main()
