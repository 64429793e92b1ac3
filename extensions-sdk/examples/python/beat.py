#!/usr/bin/env python3
"""An extension in Python, from nothing but the proto files: it starts a run every so many seconds.

Usage: beat.py

It shows what a library for another language has to do, in the order in which
gofer/extension/v1/extension.proto tells it. The modules gofer.v1 and gofer.extension.v1 are made by

    protoc -I proto -I /usr/include --python_out=OUT --grpc_out=OUT \\
        --plugin=protoc-gen-grpc=/usr/bin/grpc_python_plugin \\
        $(cd proto && find gofer/v1 gofer/extension/v1 -name '*.proto')

and found by PYTHONPATH=OUT; `make_modules` in modules.py beside this file does the same.

The environment says who it is and where gofer is: GOFER_EXTENSION_ID, GOFER_HOST, GOFER_TOKEN.

Its only setting for a subscription is `seconds`: runs are started at every multiple of it since 1970.
"""

import collections
import os
import queue
import random
import signal
import sys
import threading
import time

import grpc
from google.protobuf import timestamp_pb2

from gofer.extension.v1 import extension_pb2, extension_pb2_grpc
from gofer.v1 import extension_pb2 as resource_pb2

VERSION = "1.0.0"
SECONDS_MAX = 366 * 24 * 3600
UNACKNOWLEDGED_MAX = 1000
STOP_SECONDS_MAX = 8

# What ends the program: another one took its place, or gofer does not let it in and never will.
FINAL_CODES = {
    grpc.StatusCode.ABORTED: 3,
    grpc.StatusCode.UNAUTHENTICATED: 4,
    grpc.StatusCode.NOT_FOUND: 4,
    grpc.StatusCode.FAILED_PRECONDITION: 4,
}

Request = extension_pb2.ConnectRequest


class Subscription:
    """A subscription that was accepted."""

    def __init__(self, reference, seconds):
        self.reference = reference
        self.seconds = seconds
        self.next = 0
        self.skip_to(time.time())

    def skip_to(self, now):
        """Its next time is the first one after `now`."""
        self.next = (int(now) // self.seconds + 1) * self.seconds


def name_of(reference):
    return (reference.namespace_id, reference.pipeline_id, reference.subscription_id)


def parse_seconds(settings):
    """(seconds, None) or (0, what is wrong). Names of settings are compared without case."""
    for name, text in settings.items():
        if name.lower() == "seconds":
            if text.isascii() and text.isdigit() and 1 <= int(text) <= SECONDS_MAX:
                return int(text), None
            return 0, f"'{text}' is no number of seconds, expected 1 to {SECONDS_MAX}"
    return 0, "a number of seconds is missing"


class Beat:
    """The extension. What survives a connection is here; what does not is in Connection."""

    def __init__(self, extension_id):
        self.extension_id = extension_id
        self.subscriptions = {}
        # Runs that were not acknowledged yet, oldest first: they go out again on each connection.
        self.unacknowledged = collections.OrderedDict()
        self.stopping = False
        self.exit_code = 0

    def registration(self):
        return extension_pb2.Registration(
            extension_id=self.extension_id,
            protocol_major_versions=[1],
            version=VERSION,
            sdk_version="none",
            documentation="Starts a run every so many seconds.",
            subscription_parameters=[resource_pb2.ExtensionParameter(
                name="seconds", type=resource_pb2.EXTENSION_PARAMETER_TYPE_INTEGER, required=True,
                help="How many seconds lie between two runs.")])

    def collect_due(self, now):
        """Makes a run of each subscription whose time has come."""
        for name, subscription in self.subscriptions.items():
            if subscription.next > now or len(self.unacknowledged) >= UNACKNOWLEDGED_MAX:
                continue
            due = int(now) // subscription.seconds * subscription.seconds
            # The key names the moment, not the attempt: whatever comes twice starts one run.
            self.unacknowledged.setdefault((name, due), extension_pb2.StartRun(
                subscription=subscription.reference,
                idempotency_key=f"beat-{due}",
                reason=f"every {subscription.seconds} seconds",
                event_time=timestamp_pb2.Timestamp(seconds=due)))
            subscription.skip_to(now)

    def next_due(self):
        return min((subscription.next for subscription in self.subscriptions.values()), default=None)

    def forget(self, name):
        """A subscription is over: nothing more is started of it."""
        self.subscriptions.pop(name, None)
        for key in [key for key in self.unacknowledged if key[0] == name]:
            del self.unacknowledged[key]


class Connection:
    """One stream. Everything happens on the caller's thread; gRPC's own only fills the inbox."""

    def __init__(self, beat, channel, token, inbox):
        self.beat = beat
        self.inbox = inbox
        self.outbox = queue.SimpleQueue()
        self.window = 0
        self.sequence = 0
        self.under_way = {}  # sequence -> key of what was sent
        self.named = set()  # subscriptions that gofer has named on this connection
        self.ready = False
        self.draining = False
        self.drained = False
        self.closed = False
        metadata = [("authorization", "Bearer " + token)] if token else []
        self.call = extension_pb2_grpc.ExtensionServiceStub(channel).Connect(
            iter(self.outbox.get, None), metadata=metadata)
        self.say(registration=beat.registration())

    def listen(self):
        """For a thread: passes on what gofer says, until the stream ends."""
        try:
            for response in self.call:
                self.inbox.put((response, self))
        except grpc.RpcError:
            pass
        self.inbox.put(("ended", self))

    def say(self, **message):
        if not self.closed:
            self.outbox.put(Request(**message))

    def close(self):
        if not self.closed:
            self.closed = True
            self.outbox.put(None)

    def send_runs(self):
        """Sends what was not sent on this connection yet, as far as the window allows."""
        if not self.ready or self.drained:
            return
        sent = set(self.under_way.values())
        for key, start in self.beat.unacknowledged.items():
            if len(self.under_way) >= self.window:
                break
            if key not in sent:
                self.sequence += 1
                self.under_way[self.sequence] = key
                self.say(sequence=self.sequence, start_run=start)

    def drain_if_done(self):
        if self.draining and not self.drained and not self.beat.unacknowledged:
            self.drained = True
            self.say(drained=extension_pb2.Drained())

    def take(self, response):
        """One message of gofer's. What is not known is left alone; a delivery is answered."""
        kind = response.WhichOneof("message")
        handler = getattr(self, "on_" + (kind or ""), None)
        if handler is not None:
            handler(getattr(response, kind))
        elif response.sequence != 0:
            self.say(ack=extension_pb2.DeliveryAck(
                acked_sequence=response.sequence,
                outcome=extension_pb2.DELIVERY_OUTCOME_UNSUPPORTED))

    def on_welcome(self, welcome):
        self.window = welcome.window

    def on_subscribe(self, subscribe):
        name = name_of(subscribe.subscription)
        self.named.add(name)
        seconds, problem = parse_seconds(subscribe.settings)
        result = extension_pb2.SubscriptionResult(
            subscription=subscribe.subscription, generation=subscribe.generation)
        if problem is None:
            result.outcome = extension_pb2.SUBSCRIPTION_OUTCOME_ACCEPTED
            known = self.beat.subscriptions.get(name)
            if known is None or known.seconds != seconds:
                self.beat.subscriptions[name] = Subscription(subscribe.subscription, seconds)
                self.say(log=extension_pb2.LogEntry(
                    level=extension_pb2.LOG_LEVEL_INFO, text=f"every {seconds} s",
                    subscription=subscribe.subscription))
        else:
            result.outcome = extension_pb2.SUBSCRIPTION_OUTCOME_REFUSED
            result.description = problem
            result.setting_problems.add(parameter_name="seconds", description=problem)
            self.beat.forget(name)
        self.say(subscription_result=result)

    def on_unsubscribe(self, unsubscribe):
        self.beat.forget(name_of(unsubscribe.subscription))

    def on_subscriptions_complete(self, _complete):
        for name in set(self.beat.subscriptions) - self.named:
            self.beat.forget(name)
        self.ready = True
        self.say(ready=extension_pb2.Ready())

    def on_ack(self, ack):
        """It is durable, whatever became of the run: it need not be sent again."""
        key = self.under_way.pop(ack.acked_sequence, None)
        self.beat.unacknowledged.pop(key, None)

    def on_ping(self, ping):
        self.say(pong=extension_pb2.Pong(ping_id=ping.ping_id))

    def on_debug_request(self, request):
        self.say(debug_info=extension_pb2.DebugInfo(
            request_id=request.request_id,
            info=f"subscriptions: {len(self.beat.subscriptions)}\n"
                 f"unacknowledged: {len(self.beat.unacknowledged)}\n"))

    def on_dialog_start(self, start):
        step = extension_pb2.DialogStep(dialog_id=start.dialog_id, failure="there is no dialog")
        self.say(dialog_step=step)

    def on_drain(self, _drain):
        self.draining = True

    def on_shutdown(self, _shutdown):
        self.beat.stopping = True
        self.close()


def run_connection(beat, channel, token, inbox):
    """One connection up to its end. Gives its status code."""
    connection = Connection(beat, channel, token, inbox)
    threading.Thread(target=connection.listen, daemon=True).start()
    stop_deadline = None
    while True:
        now = time.time()
        if connection.ready and not connection.draining and not beat.stopping:
            beat.collect_due(now)
        connection.send_runs()
        connection.drain_if_done()
        if beat.stopping and stop_deadline is None:
            stop_deadline = now + STOP_SECONDS_MAX
        if beat.stopping and (not beat.unacknowledged or now > stop_deadline):
            connection.close()
        due = beat.next_due() if connection.ready and not connection.draining else None
        wait = 1.0 if due is None else min(max(due - now, 0.001), 1.0)
        try:
            what, whose = inbox.get(timeout=wait)
        except queue.Empty:
            if stop_deadline is not None and time.time() > stop_deadline + 1:
                connection.call.cancel()
            continue
        if what == "ended" and whose is connection:
            connection.close()
            return connection.call.code()
        if what not in ("ended", "signal") and whose is connection:
            connection.take(what)


def wait_pause(beat, inbox, seconds):
    """Waits between two connections; a signal ends it early."""
    end = time.monotonic() + seconds
    while not beat.stopping and time.monotonic() < end:
        try:
            inbox.get(timeout=max(end - time.monotonic(), 0))
        except queue.Empty:
            return


def main():
    extension_id = os.environ.get("GOFER_EXTENSION_ID", "beat")
    address = os.environ.get("GOFER_HOST", "127.0.0.1:8080")
    token = os.environ.get("GOFER_TOKEN") or os.environ.get("GOFER_API_TOKEN", "")
    beat = Beat(extension_id)
    inbox = queue.SimpleQueue()

    def stop(_number, _frame):
        beat.stopping = True
        inbox.put(("signal", None))

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    pause = 0.2
    with grpc.insecure_channel(address) as channel:
        while not beat.stopping:
            started = time.monotonic()
            code = run_connection(beat, channel, token, inbox)
            if code in FINAL_CODES:
                print(f"beat: gofer says {code.name}", file=sys.stderr)
                return FINAL_CODES[code]
            if beat.stopping:
                break
            # Wait longer each time, and never in step with others; after a good while begin anew.
            pause = 0.2 if time.monotonic() - started > 10 else min(pause * 2, 30)
            wait_pause(beat, inbox, random.uniform(pause / 2, pause))
    return 0


if __name__ == "__main__":
    sys.exit(main())
