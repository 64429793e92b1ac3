"""What a server answers is what its OpenAPI document says: successes and errors of unary calls, as JSON.

    answers_test.py GOFER

Runs with the Python of .deps (with_deps.sh). The document is the one that the server itself serves.
"""

import json
import os
import sys
import urllib.error
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import openapi
from gofer_server import GoferServer

SPEC = {
    "id": "build", "name": "Build \u2260", "labels": {"team": "blue"}, "timeout": "3600.500s",
    "variables": {"A": "1"},
    "tasks": [{"id": "first", "image": "busybox", "command": ["true"], "timeout": "1.5s"},
              {"id": "second", "image": "busybox", "dependsOn": {"first": "success"},
               "retry": {"maxAttempts": 3, "backoffMultiplier": 1.5}}]}
AT = {"pipelineId": "build"}
RUN = dict(AT, runId="1")

# Before all others, in this order: what they read. Each must succeed.
STEPS = [
    ("NamespaceService/CreateNamespace", {"namespaceId": "blue", "description": "d"}),
    ("PipelineConfigService/ValidatePipelineConfig", {"spec": SPEC}),
    ("PipelineConfigService/RegisterPipelineConfig", {"spec": SPEC}),
    ("DeploymentService/DeployPipeline", dict(AT, version=1)),
    ("RunService/StartRun", dict(AT, reason="why", input={"content": "aGVsbG8="},
                                 labels={"k": "v"}, priority={"value": 3}, orderingKey="one")),
    ("RunService/StartRun", dict(AT, requestId="again")),
    ("TaskExecutionService/ListTaskExecutions", RUN),
    ("SecretService/PutPipelineSecret", dict(AT, key="password", value={"plaintext": "aGVsbG8="})),
    ("RoleService/CreateRole", {"roleId": "watcher", "permissions": [
        {"namespaces": ["*"], "targets": [{"resource": "PERMISSION_RESOURCE_RUNS"}],
         "actions": ["PERMISSION_ACTION_READ"]}]}),
    ("TokenService/ListTokens", {}),
    ("SystemService/UpdateSystemPreferences", {"preferences": {"runStartsPaused": True},
                                               "updateMask": "runStartsPaused"}),
]

# For the fields of all other calls, by their names.
VALUES = {
    "pipelineId": "build", "runId": "1", "taskId": "first", "version": "1", "key": "password",
    "eventId": "1", "roleId": "watcher", "tokenId": "nobody", "extensionId": "nothing",
    "subscriptionId": "nothing", "deploymentId": "1", "pageSize": 1,
}
# They end what the others look at.
LAST = ("Delete", "Disable", "Cancel", "Uninstall")
SUCCESSES_MIN = 55


class Caller:
    def __init__(self, address):
        self.base = "http://" + address
        with urllib.request.urlopen(self.base + "/openapi.json", timeout=30) as answer:
            self.api = openapi.Document(json.load(answer))
        self.faults = []
        self.successes = set()

    def call(self, name, request):
        """The status; what is wrong with the answer is kept."""
        path = "/gofer.v1." + name
        asked = urllib.request.Request(self.base + path, json.dumps(request).encode(),
                                       {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                status, body = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, body = error.code, error.read()
        try:
            self.api.check_answer(path, status, body)
        except ValueError as error:
            self.faults.append("%s\n  %s" % (error, body[:500]))
        if status == 200:
            self.successes.add(name)
        elif status >= 500 and status not in (501, 503):
            self.faults.append("%s: %d: %s" % (path, status, body[:500]))
        return status, body

    def step(self, name, request):
        try:
            self.api.check_request("/gofer.v1." + name, request)
        except ValueError as error:
            self.faults.append(str(error))
        status, body = self.call(name, request)
        if status != 200:
            self.faults.append("%s: %d: %s" % (name, status, body[:500]))

    def others(self):
        """Every unary call, with what fits of VALUES."""
        names = [path[len("/gofer.v1."):] for path in self.api.document["paths"]
                 if self.api.shape(path) == "unary"]
        names.sort(key=lambda name: name.split("/")[1].startswith(LAST))
        for name in names:
            schema = self.api.message_of("/gofer.v1." + name, "request")
            fields = self.api.document["components"]["schemas"][schema]["properties"]
            self.call(name, {key: value for key, value in VALUES.items()
                             if key in fields and not name.startswith("EventService/List")})
        return len(names)


def main():
    with GoferServer(sys.argv[1], http=True) as server:
        caller = Caller(server.http_address)
        for name, request in STEPS:
            caller.step(name, request)
        count = caller.others()
    print("%d calls, %d of them succeeded: %s" %
          (count, len(caller.successes), ", ".join(sorted(caller.successes))))
    if len(caller.successes) < SUCCESSES_MIN:
        caller.faults.append("only %d calls succeeded" % len(caller.successes))
    if caller.faults:
        sys.exit("\n".join(caller.faults))


if __name__ == "__main__":
    main()
