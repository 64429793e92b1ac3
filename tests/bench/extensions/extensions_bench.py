#!/usr/bin/python3
"""What extensions cost: prints one line for each figure, with its unit, beside a floor of the same run.

Usage: extensions_bench.py --gofer PROGRAM --bin DIR [--minutes N] [--seconds N] [--profile FILE] [PART]...

  connect   1,000 extensions at once with a subscription each: memory of each, on connections of their
            own and on one; the time until all are ready; at rest; what it takes to tell all of a change
  events    durable acknowledgements of one extension's StartRuns: at 10,000 a second, and with a full
            window; repeated keys; events that concern 100 subscriptions; beside bare SQLite and beside
            the StartRun of people
  cron      10,000 subscriptions spread over the minutes: how late their runs are, and the share of a
            core that the extension takes; then all 10,000 in the same minute: when the last is there
  interval  1,000 subscriptions of every 5 seconds, and the share of a core

Without PART: all. DIR is what Bazel has built. With --profile the server of the first load of events
is sampled with perf, and where its time goes is written to FILE.

Cron is measured twice: alone, with a stand-in for gofer that only acknowledges, which is the floor of
the other; and with a real server (the null scheduler), where a run counts when it is durable. The floor
of lateness itself is this program, woken by the kernel.
"""

import argparse
import os
import resource
import sys
import tempfile
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")
sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.join(ROOT, "tests", "harness"),
                os.path.join(ROOT, "extensions-sdk", "examples", "python")]
import loads  # pylint: disable=wrong-import-position
import modules  # pylint: disable=wrong-import-position

CRON_COUNT = 10000
INTERVAL_COUNT = 1000
INTERVAL_SECONDS = 30
PIPELINE_SUBSCRIPTIONS = 1000  # a pipeline has no more
BURST_SECONDS = 20
WAKES = 200
MINUTE_NS = 60 * 10**9
CRON_TIME = "GOFER_EXTENSION_CRON_SCHEDULED_TIME"
INTERVAL_TIME = "GOFER_EXTENSION_INTERVAL_SCHEDULED_TIME"


def figure(what, value, unit, note=""):
    print("extensions: %-60s %10.2f %-5s %s" % (what, value, unit, note), flush=True)


def percentile(values, part):
    return values[min(int(len(values) * part), len(values) - 1)]


def show_lateness(what, errors):
    if not errors:
        print("extensions: %s: no run was started" % what, flush=True)
        return
    figure(what + ", p50", percentile(errors, 0.50), "ms", "of %d runs" % len(errors))
    figure(what + ", p99", percentile(errors, 0.99), "ms")
    figure(what + ", last", errors[-1], "ms")


def show_floor():
    """How late the kernel wakes a program that sleeps until a time."""
    errors = []
    for _ in range(WAKES):
        due = (time.time_ns() // 10**7 + 1) * 10**7
        time.sleep(max(due - time.time_ns(), 0) / 1e9)
        errors.append((time.time_ns() - due) / 1e6)
    errors.sort()
    figure("floor: a sleep of this program, p50", percentile(errors, 0.50), "ms")
    figure("floor: a sleep of this program, p99", percentile(errors, 0.99), "ms")


class Meter:
    """The share of a core that a process takes."""

    def __init__(self, process):
        self.pid = process.pid
        self.begin = time.monotonic()
        self.used = self.cpu_seconds()

    def cpu_seconds(self):
        with open("/proc/%d/stat" % self.pid, encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def show(self, what):
        with open("/proc/%d/statm" % self.pid, encoding="ascii") as file:
            memory = int(file.read().split()[1]) * resource.getpagesize() / 2**20
        figure(what + ", share of a core",
               100 * (self.cpu_seconds() - self.used) / (time.monotonic() - self.begin), "%",
               "%.0f MiB resident" % memory)


def seconds_to_minute():
    return 60 - time.time() % 60


def wait_for_minute():
    """Waits until a minute has just begun and its runs are through."""
    time.sleep(seconds_to_minute() + BURST_SECONDS)


def spread_over_minutes(number):
    return {"expression": "%d * * * *" % (number % 60), "time_zone": "Europe/Berlin"}


def every_minute(_number):
    return {"expression": "* * * * *", "time_zone": "Europe/Berlin"}


def show_minutes(what, minutes, process, errors_since):
    """10,000 subscriptions for so many minutes. errors_since(ns) gives how late what was due later is."""
    since = (time.time_ns() // MINUTE_NS + 1) * MINUTE_NS
    meter = Meter(process)
    time.sleep(minutes * 60 + seconds_to_minute() % 60 + 1)
    show_lateness(what, errors_since(since))
    meter.show(what)


def show_burst(what, errors_since):
    """All of them in one minute: the next one."""
    since = (time.time_ns() // MINUTE_NS + 1) * MINUTE_NS
    wait_for_minute()
    show_lateness(what, errors_since(since))


def program(arguments, name):
    return os.path.join(arguments.bin, "extensions", name, name)


def cron(arguments):
    from places import Alone, Real  # pylint: disable=import-outside-toplevel
    for place, name in ((Alone, "cron alone"), (Real, "cron")):
        for settings_of, what in ((spread_over_minutes, "10,000 spread over the minutes"),
                                  (every_minute, "all 10,000 in one minute")):
            title = "%s: %s" % (name, what)
            if seconds_to_minute() < 15:
                time.sleep(seconds_to_minute() + 1)  # what is set up should not be in the way
            with place(arguments.gofer, program(arguments, "cron"), "cron", settings_of, CRON_COUNT,
                       PIPELINE_SUBSCRIPTIONS) as run:
                def errors_since(since, run=run):
                    return run.errors_ms(CRON_TIME, since)

                if settings_of is spread_over_minutes:
                    show_minutes(title, arguments.minutes, run.process, errors_since)
                else:
                    show_burst(title, errors_since)


def interval(arguments):
    """How late it is cannot be seen from outside, because of the jitter: only what it costs."""
    from places import Real  # pylint: disable=import-outside-toplevel
    with Real(arguments.gofer, program(arguments, "interval"), "interval",
              lambda _number: {"every": "5s"}, INTERVAL_COUNT, PIPELINE_SUBSCRIPTIONS,
              min_interval="1s") as run:
        meter = Meter(run.process)
        since = time.time_ns()
        time.sleep(INTERVAL_SECONDS)
        meter.show("interval: 1,000 of every 5 s")
        rate = len(run.errors_ms(INTERVAL_TIME, since)) / INTERVAL_SECONDS
        figure("interval: 1,000 of every 5 s, runs", rate, "1/s", "200 are due")


PARTS = {"connect": loads.connect, "events": loads.events, "cron": cron, "interval": interval}


def main():
    parser = argparse.ArgumentParser(description="Measures extensions.")
    parser.add_argument("--gofer", required=True)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--minutes", type=int, default=3, help="how long cron is watched")
    parser.add_argument("--seconds", type=int, default=5, help="of each load of events")
    parser.add_argument("--profile", metavar="FILE")
    parser.add_argument("parts", nargs="*", metavar="PART", help="one of " + ", ".join(PARTS))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gofer-modules-") as out:
        modules.make_modules(os.path.join(ROOT, "proto"), out)
        sys.path.insert(0, out)
        show_floor()
        for name in arguments.parts or PARTS:
            PARTS[name](arguments)


if __name__ == "__main__":
    main()
