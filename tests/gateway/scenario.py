"""What every call is asked, in the order of a life: one list of steps for all protocols.

A step is a call, who makes it, and the code that it must end with. `save` keeps values of the answer under
names, for `$name` in later requests; `take` leaves a stream after so many messages; with `only_end` how far
a stream has got when it is opened is a matter of luck, and only where it ends is compared. The request is
the JSON of protobuf.
"""


class Step:
    def __init__(self, method, request=None, code="ok", token="admin", save=None, take=None,
                 timeout=60, only_end=False):
        self.method = method
        self.request = request or {}
        self.code = code
        self.token = token
        self.save = save or {}
        self.take = take
        self.timeout = timeout
        self.only_end = only_end

    def __str__(self):
        return "%s(%s)" % (self.method, self.request)


def task(task_id, **fields):
    return dict({"id": task_id, "image": "busybox:latest", "command": ["true"]}, **fields)


SPEC = {
    "id": "build", "name": "Build – ü ≠ \U0001f600", "description": "quotes \" and \\ and\nlines",
    "labels": {"team": "blue"}, "timeout": "3600.500s", "variables": {"B": "2", "A": "1"},
    "tasks": [task("first", timeout="1.001s"),
              task("second", dependsOn={"first": "success"},
                   retry={"maxAttempts": 3, "backoffMultiplier": 1.5})]}
BROKEN = dict(SPEC, tasks=[task("first", dependsOn={"second": "success"}),
                           task("second", dependsOn={"first": "success"}), task("no id\u0007")])
AT = {"pipelineId": "build"}
RUN = dict(AT, runId="1")
TASK = dict(RUN, taskId="first")
NIGHTLY = dict(AT, extensionId="bell", subscriptionId="nightly")

SYSTEM = [
    Step("GetSystemInfo", token=None),
    Step("GetSystemInfo", token="wrong"),
    Step("GetSystemSummary"),
    Step("GetSystemSummary", token=None, code="unauthenticated"),
    Step("GetSystemSummary", token="wrong", code="unauthenticated"),
    Step("GetSystemLimits"),
    Step("GetMetrics"),
    Step("GetMetrics", token=None, code="unauthenticated"),
    Step("DiagnoseSystem"),
    Step("GetSystemPreferences"),
    Step("UpdateSystemPreferences", {"preferences": {}, "updateMask": ""}, code="invalid_argument"),
    Step("UpdateSystemPreferences", {"preferences": {"attachDisabled": True},
                                     "updateMask": "attachDisabled"}),
    Step("UpdateSystemPreferences", {"preferences": {}, "updateMask": "attachDisabled"}),
    Step("ListMethodPermissions", {"pageSize": 7}, save={"methods_page": "nextPageToken"}),
    Step("ListMethodPermissions", {"pageSize": 7, "pageToken": "$methods_page"}),
    Step("ListMethodPermissions", {"pageToken": "no token"}, code="invalid_argument"),
    Step("ListMethodPermissions", {"pageSize": 1000}),
]

ACCESS = [
    Step("WhoAmI"),
    Step("WhoAmI", token=None, code="unauthenticated"),
    Step("CreateRole", {"roleId": "run_reader", "description": "reads runs", "permissions": [
        {"namespaces": ["default"], "targets": [{"resource": "PERMISSION_RESOURCE_RUNS"}],
         "actions": ["PERMISSION_ACTION_READ"]}]}),
    Step("CreateRole", {"roleId": "run_reader", "permissions": []}, code="invalid_argument"),
    Step("CreateRole", {"roleId": "No Role!"}, code="invalid_argument"),
    Step("GetRole", {"roleId": "run_reader"}),
    Step("GetRole", {"roleId": "nobody"}, code="not_found"),
    Step("ListRoles"),
    Step("UpdateRole", {"roleId": "run_reader", "description": "reads", "updateMask": "description"}),
    Step("UpdateRole", {"roleId": "run_reader", "updateMask": "nothing"}, code="invalid_argument"),
    Step("CreateToken", {"kind": "TOKEN_KIND_BOT", "user": "robot", "roleIds": ["run_reader"],
                         "metadata": {"k": "v"}, "lifetime": "3600s"},
         save={"robot": "tokenText", "robot_id": "token.tokenId"}),
    Step("CreateToken", {"kind": "TOKEN_KIND_BOT", "user": "idle", "roleIds": ["run_reader"]},
         save={"idle": "tokenText", "idle_id": "token.tokenId"}),
    Step("CreateToken", {"kind": "TOKEN_KIND_BOT", "user": "x", "roleIds": ["nobody"]},
         code="not_found"),
    Step("WhoAmI", token="robot"),
    Step("GetToken", {"tokenId": "$robot_id"}),
    Step("GetToken", {"tokenId": "nothing"}, code="not_found"),
    Step("ListTokens", {"user": "robot"}),
    Step("DisableToken", {"tokenId": "$idle_id"}),
    Step("WhoAmI", token="idle", code="unauthenticated"),
    Step("EnableToken", {"tokenId": "$idle_id"}),
    Step("DeleteToken", {"tokenId": "$idle_id"}),
    Step("DeleteToken", {"tokenId": "$idle_id"}, code="not_found"),
    Step("DeleteExpiredTokens"),
    Step("DeleteExpiredTokens", token="robot", code="permission_denied"),
]

NAMESPACES = [
    Step("CreateNamespace", {"namespaceId": "blue", "name": "Blue", "runParallelism": 4}),
    Step("CreateNamespace", {"namespaceId": "blue"}, code="already_exists"),
    Step("CreateNamespace", {"namespaceId": "Not An Id"}, code="invalid_argument"),
    Step("CreateNamespace", {"namespaceId": "green"}, token="robot", code="permission_denied"),
    Step("GetNamespace", {"namespaceId": "blue"}),
    Step("GetNamespace", {"namespaceId": "red"}, code="not_found"),
    Step("ListNamespaces", {"pageSize": 1}, save={"namespaces_page": "nextPageToken"}),
    Step("ListNamespaces", {"pageToken": "$namespaces_page"}),
    Step("UpdateNamespace", {"namespaceId": "blue", "description": "sky",
                             "updateMask": "description,name"}),
    Step("UpdateNamespace", {"namespaceId": "blue", "updateMask": "nothing"},
         code="invalid_argument"),
]

PIPELINES = [
    Step("ValidatePipelineConfig", {"spec": SPEC}),
    Step("ValidatePipelineConfig", {"spec": BROKEN}),
    Step("RegisterPipelineConfig", {"spec": SPEC}),
    Step("RegisterPipelineConfig", {"spec": BROKEN}, code="invalid_argument"),
    Step("RegisterPipelineConfig", {"spec": dict(SPEC, name="Second")}),
    Step("RegisterPipelineConfig", {"spec": dict(SPEC, name="Third")}),
    Step("RegisterPipelineConfig", {"spec": SPEC}, token="robot", code="permission_denied"),
    Step("GetPipelineConfig", dict(AT, version="1")),
    Step("GetPipelineConfig", dict(AT, version="9"), code="not_found"),
    Step("ListPipelineConfigs", dict(AT, includeTasks=True)),
    Step("DiffPipelineConfigs", dict(AT, baseVersion="1", targetVersion="2")),
    Step("DiffPipelineConfigs", dict(AT, baseVersion="1", targetSpec=dict(SPEC, tasks=[])),
         code="invalid_argument"),
    Step("DiffPipelineConfigs", dict(AT, baseVersion="1", targetSpec=dict(SPEC, tasks=[task("only")]))),
    Step("DeletePipelineConfig", dict(AT, version="3")),
    Step("StartRun", AT, code="failed_precondition"),
    Step("DeployPipeline", dict(AT, version="1")),
    Step("DeployPipeline", dict(AT, version="9"), code="not_found"),
    Step("DeployPipeline", dict(AT, version="2"), save={"deployment": "deployment.deploymentId"}),
    Step("GetDeployment", dict(AT, deploymentId="$deployment")),
    Step("GetDeployment", dict(AT, deploymentId="99"), code="not_found"),
    Step("ListDeployments", AT),
    Step("RollbackPipeline", dict(AT, reason="as it was"), code="unimplemented"),
    Step("PromoteDeployment", dict(AT, deploymentId="$deployment"), code="unimplemented"),
    Step("AbortDeployment", dict(AT, deploymentId="$deployment"), code="unimplemented"),
    Step("ListPipelines"),
    Step("GetPipeline", AT),
    Step("GetPipeline", {"pipelineId": "nothing"}, code="not_found"),
    Step("GetPipeline", {"pipelineId": "../x"}, code="invalid_argument"),
    Step("DisablePipeline", dict(AT, reason="for now")),
    Step("StartRun", AT, code="failed_precondition"),
    Step("EnablePipeline", AT),
]

RUNS = [
    Step("StartRun", dict(AT, variables={"KEY": "wert – ü"}, labels={"a": "b"}, reason="why not",
                          requestId="the-first")),
    Step("WatchRun", RUN, only_end=True),
    Step("WatchRun", RUN),
    Step("StartRun", AT),
    Step("WatchRun", dict(AT, runId="2"), only_end=True),
    Step("StartRun", {"pipelineId": "nothing"}, code="not_found"),
    Step("StartRun", AT, token="robot", code="permission_denied"),
    Step("GetRun", RUN),
    Step("GetRun", RUN, token="robot"),
    Step("GetRun", dict(AT, runId="9223372036854775807"), code="not_found"),
    Step("GetRun", dict(AT, runId="-1"), code="invalid_argument"),
    Step("ListRuns", dict(AT, pageSize=1), save={"runs_page": "nextPageToken"}),
    Step("ListRuns", dict(AT, pageToken="$runs_page")),
    Step("ListRuns", dict(AT, oldestFirst=True, statuses=["RUN_STATUS_SUCCESSFUL"])),
    Step("WatchRun", RUN, token=None, code="unauthenticated"),
    Step("WatchRun", dict(AT, runId="77"), code="not_found"),
    Step("WatchRun", dict(RUN, resumeToken="no token"), code="invalid_argument"),
    Step("CancelRun", dict(RUN, reason="late")),
    Step("CancelRun", dict(AT, runId="77"), code="not_found"),
    Step("CancelAllRuns", AT),
    Step("RetryRun", dict(RUN, scope="RUN_RETRY_SCOPE_FAILED_TASKS"), code="failed_precondition"),
    Step("RetryRun", dict(RUN, scope="RUN_RETRY_SCOPE_ALL_TASKS", reason="again")),
    Step("WatchRun", dict(AT, runId="3"), only_end=True),
    Step("UpdateSystemPreferences", {"preferences": {"runStartsPaused": True},
                                     "updateMask": "runStartsPaused"}),
    Step("StartRun", AT, code="failed_precondition"),
    Step("UpdateSystemPreferences", {"preferences": {}, "updateMask": "runStartsPaused"}),
    Step("RepairRun", RUN),
    Step("GetPipelineStats", dict(AT, windows=["86400s"])),
    Step("ListTaskExecutions", RUN),
    Step("GetTaskExecution", TASK),
    Step("GetTaskExecution", dict(RUN, taskId="nothing"), code="not_found"),
    Step("CancelTaskExecution", TASK),
    Step("FollowTaskExecutionLogs", dict(TASK, noWait=True)),
    Step("FollowTaskExecutionLogs", dict(RUN, taskId="nothing"), code="not_found"),
    Step("DeleteTaskExecutionLogs", TASK),
    Step("OpenTerminal", {"attach": TASK}, code="failed_precondition"),
    Step("OpenTerminal", {}, code="invalid_argument"),
    Step("SendTerminalInput", {"terminalId": "nothing", "sequence": "1",
                               "input": {"content": "bHM="}}, code="not_found"),
]

SECRETS = [
    Step("GetSecretSealingKey"),
    Step("PutPipelineSecret", dict(AT, key="password", value={"plaintext": "aMO8aG5lcg=="})),
    Step("PutPipelineSecret", dict(AT, key="password", value={"plaintext": "eHh4eHh4eHg="}),
         code="already_exists"),
    Step("PutPipelineSecret", dict(AT, key="no key!", value={"plaintext": "eHh4eHh4eHg="}),
         code="invalid_argument"),
    Step("GetPipelineSecret", dict(AT, key="password")),
    Step("ListPipelineSecrets", AT),
    Step("ListPipelineSecrets", AT, token="robot", code="permission_denied"),
    Step("RevealPipelineSecret", dict(AT, key="password")),
    Step("RevealPipelineSecret", dict(AT, key="nothing"), code="not_found"),
    Step("PutGlobalSecret", {"key": "shared", "value": {"plaintext": "/+8AAQIDBAU="},
                             "namespaces": ["default"]}),
    Step("GetGlobalSecret", {"key": "shared"}),
    Step("ListGlobalSecrets"),
    Step("RevealGlobalSecret", {"key": "shared"}),
    Step("DeleteGlobalSecret", {"key": "shared"}),
    Step("DeleteGlobalSecret", {"key": "shared"}, code="not_found"),
    Step("DeletePipelineSecret", dict(AT, key="password")),
    # Events of secrets come a moment after the answers: what is done next is to have later ones.
    Step("FollowEvents", {"filter": {"kinds": ["EVENT_KIND_SECRET_DELETED"]}, "includeHistory": True},
         take=3, only_end=True),  # two events, and one message that says only how far it is
]

BELL = {"extensionId": "bell"}
EXTENSIONS = [
    Step("InstallExtension", BELL),
    Step("InstallExtension", BELL, code="already_exists"),
    Step("InstallExtension", {"extensionId": "No!"}, code="invalid_argument"),
    Step("GetExtension", BELL),
    Step("ListExtensions"),
    Step("WatchExtension", BELL, take=1),
    Step("WatchExtension", {"extensionId": "nothing"}, code="not_found"),
    Step("CreateSubscription", dict(NIGHTLY, settings={"at": "1"})),
    Step("CreateSubscription", dict(NIGHTLY, extensionId="nothing"), code="not_found"),
    Step("GetSubscription", NIGHTLY),
    Step("ListSubscriptions", AT),
    Step("UpdateSubscription", dict(NIGHTLY, settings={"at": "2"}, updateMask="settings")),
    Step("DisableSubscription", NIGHTLY),
    Step("EnableSubscription", NIGHTLY),
    Step("DeleteSubscription", NIGHTLY),
    Step("DeleteSubscription", NIGHTLY, code="not_found"),
    Step("UpdateExtension", dict(BELL, settings={"settings": {"a": "b"}})),
    Step("DisableExtension", BELL),
    Step("EnableExtension", BELL),
    Step("FollowExtensionLogs", dict(BELL, noWait=True)),
    Step("FollowExtensionLogs", {"extensionId": "nothing"}, code="not_found"),
    Step("GetExtensionDebugInfo", BELL, code="unavailable"),
    Step("ListExtensionReports", BELL),
    Step("ListDeadLetters", BELL),
    Step("GetDeadLetter", dict(BELL, deadLetterId="nothing"), code="not_found"),
    Step("ReplayDeadLetters", dict(BELL, deadLetterIds=["nothing"])),
    Step("DeleteDeadLetters", dict(BELL, deadLetterIds=["nothing"])),
    Step("UninstallExtension", BELL),
]

IMAGES_AND_OBJECTS = [
    Step("ListImages"),
    Step("GetImage", {"reference": "busybox:latest"}, code="not_found"),
    Step("PullImage", {"reference": "busybox:latest"}, code="failed_precondition"),
    Step("ExportImage", {"reference": "busybox:latest"}, code="not_found"),
    Step("DeleteImage", {"reference": "busybox:latest"}, code="not_found"),
] + [Step(name, code="unimplemented") for name in (
    "ListPipelineObjects", "GetPipelineObject", "DeletePipelineObject", "ListRunObjects",
    "GetRunObject", "DeleteRunObject", "ListExtensionObjects", "GetExtensionObject",
    "DeleteExtensionObject")]

OF_BUILD = {"namespaceId": "default", "pipelineId": "build"}
END = [
    Step("ListEvents", {"oldestFirst": True, "pageSize": 500}),
    Step("ListEvents", {"filter": OF_BUILD, "pageSize": 3}),
    Step("GetEvent", {"eventId": "1"}),
    Step("GetEvent", {"eventId": "999999"}, code="not_found"),
    Step("FollowEvents", {"includeHistory": True}, take=20),
    Step("FollowEvents", {"resumeToken": "no token"}, code="invalid_argument"),
    Step("FollowEvents", {"filter": OF_BUILD, "includeHistory": True},
         token="robot", code="permission_denied"),
    Step("FollowEvents", {}, code="deadline_exceeded", timeout=0.3),
    # Its end is an event, too, which comes when it comes.
    Step("RotateSecretKeys", {"scope": "SECRET_KEY_SCOPE_NAMESPACE", "namespaceId": "default"}),
    Step("DeletePipeline", AT),
    Step("DeletePipeline", AT, code="not_found"),
    Step("DeleteNamespace", {"namespaceId": "blue"}),
    Step("DeleteRole", {"roleId": "run_reader"}, code="failed_precondition"),
    Step("DeleteToken", {"tokenId": "$robot_id"}),
    Step("DeleteRole", {"roleId": "run_reader"}),
]

LIFE = SYSTEM + ACCESS + NAMESPACES + PIPELINES + RUNS + SECRETS + EXTENSIONS + IMAGES_AND_OBJECTS
STEPS = LIFE + END
