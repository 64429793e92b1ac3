"""Stands in for gofer: one stream, subscriptions, and an acknowledgement for whatever is delivered.

It stores nothing and starts nothing: what it measures is the extension alone.
"""

import queue
import threading
import time
from concurrent import futures

import grpc

from gofer.extension.v1 import extension_pb2, extension_pb2_grpc
from gofer.v1 import extension_pb2 as resource_pb2

WINDOW = 10000

Response = extension_pb2.ConnectResponse


def key_time_ns(key):
    """The time that a key names: RFC 3339 in UTC with whole seconds."""
    return int(time.mktime(time.strptime(key[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone) * 10**9


class StandIn(extension_pb2_grpc.ExtensionServiceServicer):
    """A server with these subscriptions; `arrivals` are (key, nanoseconds since 1970)."""

    def __init__(self, socket, settings_of, count):
        self.settings_of = settings_of
        self.count = count
        self.arrivals = []
        self.ready = threading.Event()
        self.outbox = queue.SimpleQueue()
        self.server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
        extension_pb2_grpc.add_ExtensionServiceServicer_to_server(self, self.server)
        self.server.add_insecure_port("unix:" + socket)
        self.server.start()

    def stop(self):
        self.outbox.put(None)
        self.server.stop(1).wait()

    def greet(self):
        self.outbox.put(Response(welcome=extension_pb2.Welcome(
            protocol_major_version=1, mode=extension_pb2.CONNECTION_MODE_WORK, window=WINDOW)))
        now = int(time.time())
        for number in range(self.count):
            subscribe = extension_pb2.Subscribe(
                subscription=reference(number), generation=1, settings=self.settings_of(number))
            subscribe.create_time.seconds = now
            self.outbox.put(Response(subscribe=subscribe))
        self.outbox.put(Response(subscriptions_complete=extension_pb2.SubscriptionsComplete(
            subscription_count=self.count)))

    def take(self, requests):
        """For a thread: what the extension says."""
        try:
            for request in requests:
                kind = request.WhichOneof("message")
                if kind == "start_run":
                    self.arrivals.append((request.start_run.idempotency_key, time.time_ns()))
                elif kind == "registration":
                    self.greet()
                elif kind == "ready":
                    self.ready.set()
                if request.sequence != 0:
                    ack = extension_pb2.RequestAck(acked_sequence=request.sequence)
                    if kind == "start_run":
                        ack.outcomes.add(subscription=request.start_run.subscription, run_id=1,
                                         kind=extension_pb2.RUN_OUTCOME_KIND_STARTED)
                    else:
                        ack.outcome = extension_pb2.DELIVERY_OUTCOME_DONE
                    self.outbox.put(Response(ack=ack))
        except grpc.RpcError:
            pass
        self.outbox.put(None)

    def Connect(self, request_iterator, context):  # pylint: disable=invalid-name
        threading.Thread(target=self.take, args=(request_iterator,), daemon=True).start()
        yield from iter(self.outbox.get, None)

    def errors_ms(self):
        """How long after the time that its key names each run was wanted."""
        return sorted((at - key_time_ns(key)) / 1e6 for key, at in list(self.arrivals))


def reference(number):
    """1,000 subscriptions of each pipeline: a pipeline has no more."""
    return resource_pb2.SubscriptionReference(
        namespace_id="default", pipeline_id="pipeline-%d" % (number // 1000),
        subscription_id="subscription-%d" % number)
