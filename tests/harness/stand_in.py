"""Stands in for gofer towards one extension: says what it is told to, and acknowledges what is delivered.

    with StandIn(socket, settings={...}) as gofer:
        ... start the extension with GOFER_HOST=unix:SOCKET ...
        gofer.greet([subscribe("nightly", expression="0 1 * * *")])
        start = gofer.expect("start_run")

It stores nothing and starts nothing. Its modules gofer.v1 and gofer.extension.v1 must be importable
(extensions-sdk/examples/python/modules.py makes them).
"""

import queue
import threading
import time
from concurrent import futures

import grpc

from gofer.extension.v1 import extension_pb2, extension_pb2_grpc
from gofer.v1 import extension_pb2 as resource_pb2

WINDOW = 10000
ANSWER_TIMEOUT_S = 30

Response = extension_pb2.ConnectResponse


def reference(name, pipeline="pipeline"):
    return resource_pb2.SubscriptionReference(
        namespace_id="default", pipeline_id=pipeline, subscription_id=name)


def subscribe(name, pipeline="pipeline", generation=1, checkpoint="", create_time=None, **settings):
    """A Subscribe of these settings, created now unless another time is given in seconds."""
    message = extension_pb2.Subscribe(
        subscription=reference(name, pipeline), generation=generation, settings=settings,
        checkpoint=checkpoint)
    message.create_time.seconds = int(time.time() if create_time is None else create_time)
    return message


class StandIn(extension_pb2_grpc.ExtensionServiceServicer):
    """A server on a unix socket. `arrivals` are (idempotency key, nanoseconds since 1970) of runs."""

    def __init__(self, socket, settings=None, mode=extension_pb2.CONNECTION_MODE_WORK):
        self.settings = settings or {}
        self.mode = mode
        self.arrivals = []
        self.registration = None
        self.registered = threading.Event()
        self.inbox = queue.SimpleQueue()  # what the extension says, but for acknowledgements
        self.outbox = queue.SimpleQueue()
        self.server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
        extension_pb2_grpc.add_ExtensionServiceServicer_to_server(self, self.server)
        self.server.add_insecure_port("unix:" + socket)

    def __enter__(self):
        self.server.start()
        return self

    def __exit__(self, *_):
        self.outbox.put(None)
        self.server.stop(1).wait()

    # -- What gofer says --

    def say(self, sequence=0, **message):
        self.outbox.put(Response(sequence=sequence, **message))

    def greet(self, subscriptions):
        """Waits for the registration; says Welcome, the subscriptions, and that these were all."""
        if not self.registered.wait(ANSWER_TIMEOUT_S):
            raise RuntimeError("the extension has not connected")
        self.say(welcome=extension_pb2.Welcome(
            protocol_major_version=1, mode=self.mode, settings=self.settings, window=WINDOW))
        count = 0
        for each in subscriptions:
            self.say(subscribe=each)
            count += 1
        self.say(subscriptions_complete=extension_pb2.SubscriptionsComplete(
            subscription_count=count))

    # -- What the extension says --

    def expect(self, kind, timeout=ANSWER_TIMEOUT_S):
        """The next message of a kind; others before it are left out."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                request = self.inbox.get(timeout=max(deadline - time.monotonic(), 0))
            except queue.Empty:
                raise RuntimeError("the extension has not said %s" % kind) from None
            if request.WhichOneof("message") == kind:
                return getattr(request, kind)

    def take(self, requests):
        """For a thread: takes what is said."""
        try:
            for request in requests:
                kind = request.WhichOneof("message")
                if kind == "start_run":
                    self.arrivals.append((request.start_run.idempotency_key, time.time_ns()))
                if kind == "registration":
                    self.registration = request.registration
                    self.registered.set()
                else:
                    self.inbox.put(request)
                if request.sequence != 0:
                    self.acknowledge(request, kind)
        except grpc.RpcError:
            pass
        self.outbox.put(None)

    def acknowledge(self, request, kind):
        ack = extension_pb2.RequestAck(acked_sequence=request.sequence)
        if kind == "start_run":
            ack.outcomes.add(subscription=request.start_run.subscription, run_id=1,
                             kind=extension_pb2.RUN_OUTCOME_KIND_STARTED)
        else:
            ack.outcome = extension_pb2.DELIVERY_OUTCOME_DONE
        self.say(ack=ack)

    def Connect(self, request_iterator, context):  # pylint: disable=invalid-name
        threading.Thread(target=self.take, args=(request_iterator,), daemon=True).start()
        yield from iter(self.outbox.get, None)
