"""Where an extension is measured: alone with a stand-in for gofer, or with a real server.

    with Real(gofer, program, "cron", settings_of, count, per_pipeline) as run:
        run.process, run.errors_ms(VARIABLE, since_ns)

The modules gofer.v1 and gofer.extension.v1 must be importable.
"""

import concurrent.futures
import json
import os
import subprocess
import tempfile
import time

import grpc
from gofer_server import GoferServer
from stand_in import StandIn, subscribe

from gofer.v1 import (
    extension_pb2, extension_pb2_grpc, run_pb2, run_pb2_grpc, subscription_pb2,
    subscription_pb2_grpc)

CALLS_AT_ONCE = 32
START_TIMEOUT_S = 120
PAGE = 1000


def time_ns(text):
    """RFC 3339 in UTC with whole seconds."""
    return int(time.mktime(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone) * 10**9


def start(program, extension_id, address):
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith("GOFER_")}
    environment.update(GOFER_EXTENSION_ID=extension_id, GOFER_HOST=address, GOFER_LOG_LEVEL="warning")
    return subprocess.Popen([program], env=environment, stdin=subprocess.DEVNULL)


def stop(process):
    process.terminate()
    process.wait()


class Alone:
    """With the stand-in. A run counts when the wish for it has arrived there."""

    def __init__(self, _gofer, program, extension_id, settings_of, count, per_pipeline, **settings):
        self.work = tempfile.TemporaryDirectory(  # pylint: disable=consider-using-with
            prefix="gofer-bench-", dir="/tmp")
        self.socket = os.path.join(self.work.name, "gofer.sock")
        self.stand_in = StandIn(self.socket, settings)
        self.subscriptions = (
            subscribe("subscription-%d" % number, "pipeline-%d" % (number // per_pipeline),
                      **settings_of(number)) for number in range(count))
        self.program = (program, extension_id)
        self.process = None

    def __enter__(self):
        self.stand_in.__enter__()
        self.process = start(*self.program, "unix:" + self.socket)
        self.stand_in.greet(self.subscriptions)
        self.stand_in.expect("ready", START_TIMEOUT_S)
        return self

    def __exit__(self, *_):
        stop(self.process)
        self.stand_in.__exit__()
        self.work.cleanup()

    def errors_ms(self, _variable, since_ns):
        due = ((time_ns(key), at) for key, at in list(self.stand_in.arrivals))
        return sorted((at - when) / 1e6 for when, at in due if when >= since_ns)


class Real:
    """With a server. A run counts when it was created."""

    def __init__(self, gofer, program, extension_id, settings_of, count, per_pipeline, **settings):
        self.server = GoferServer(gofer, scheduler="null")
        self.program = (program, extension_id)
        self.settings = settings
        self.settings_of = settings_of
        self.count = count
        self.per_pipeline = per_pipeline
        self.pipelines = ["pipeline-%d" % number for number in range((count - 1) // per_pipeline + 1)]
        self.process = None
        self.channel = None

    def __enter__(self):
        self.server.__enter__()
        try:
            self.channel = grpc.insecure_channel(
                self.server.address, options=[("grpc.max_receive_message_length", -1)])
            self.install()
            self.process = start(*self.program, self.server.address)
            self.wait_until_running()
            self.subscribe_all()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process is not None:
            stop(self.process)
        self.channel.close()
        self.server.__exit__()

    def install(self):
        for name in self.pipelines:
            path = os.path.join(self.server.data_dir, name + ".json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump({"id": name, "tasks": [
                    {"id": "task", "image": "busybox:latest", "command": ["true"]}]}, file)
            self.server.run("up", path)
        extension_pb2_grpc.ExtensionServiceStub(self.channel).InstallExtension(
            extension_pb2.InstallExtensionRequest(
                extension_id=self.program[1], settings=self.settings))

    def wait_until_running(self):
        stub = extension_pb2_grpc.ExtensionServiceStub(self.channel)
        request = extension_pb2.WatchExtensionRequest(extension_id=self.program[1])
        for answer in stub.WatchExtension(request, timeout=START_TIMEOUT_S):
            if answer.extension.state == extension_pb2.EXTENSION_STATE_RUNNING:
                return

    def subscribe_all(self):
        stub = subscription_pb2_grpc.SubscriptionServiceStub(self.channel)

        def one(number):
            stub.CreateSubscription(subscription_pb2.CreateSubscriptionRequest(
                pipeline_id=self.pipelines[number // self.per_pipeline],
                extension_id=self.program[1], subscription_id="subscription-%d" % number,
                settings=self.settings_of(number)))

        with concurrent.futures.ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
            list(pool.map(one, range(self.count)))

    def runs(self, name):
        stub = run_pb2_grpc.RunServiceStub(self.channel)
        token = ""
        while True:
            page = stub.ListRuns(run_pb2.ListRunsRequest(
                pipeline_id=name, page_size=PAGE, page_token=token))
            yield from page.runs
            token = page.next_page_token
            if not token:
                return

    def errors_ms(self, variable, since_ns):
        errors = []
        for name in self.pipelines:
            for run in self.runs(name):
                due = next(time_ns(each.value) for each in run.variables if each.key == variable)
                if due >= since_ns:
                    errors.append((run.create_time.ToNanoseconds() - due) / 1e6)
        return sorted(errors)
