#!/usr/bin/python3
"""The rules of runs where real containers are needed: attempts, timeouts, queues, priorities, keys, cancelling.

Usage: rules_native_test.py GOFER BUSYBOX_IMAGE_TOOL [-kPATTERN]

Needs root; without it, it says so and succeeds.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import e2e  # pylint: disable=wrong-import-position
from e2e import FAILED, RUN_UNSUCCESSFUL  # pylint: disable=wrong-import-position

# A task that runs until it is told to stop, and one that takes no notice.
LONG = ("sh", "-c", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done")
DEAF = ("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done")
QUICKLY = {"maxAttempts": 3, "initialBackoff": "0.01s"}


def shell(task_id, script, **fields):
    return e2e.task(task_id, "sh", "-c", script, **fields)


def seconds(text):
    """Seconds of the day of a time in RFC 3339 and UTC."""
    hours, minutes, rest = text.rstrip("Z").split("T")[1].split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


class RulesTest(e2e.NativeTest):
    """With an image in the store, and a look at runs by their states."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.run("image", "import", e2e.make_image(cls.folder))

    def run_get(self, pipeline_id, run_id):
        return self.json("run", "get", pipeline_id, run_id)["run"]

    def state(self, pipeline_id, run_id):
        return self.run_get(pipeline_id, run_id)["state"].replace("RUN_STATE_", "")

    def start(self, pipeline_id, *options):
        return self.answer("pipeline", "run", pipeline_id, "-o", "name", *options).strip()

    def wait_for(self, pipeline_id, run_id, state="COMPLETE"):
        self.wait_until(lambda: self.state(pipeline_id, run_id) == state)
        return self.run_get(pipeline_id, run_id)

    def rows(self, pipeline_id, run_id):
        """The timeline of a run: a list of cells for each attempt."""
        out = self.answer("run", "get", pipeline_id, run_id, "--tasks", "0")
        return [line.split("\t") for line in out.split("Timeline:\n")[1].splitlines()]


class Attempts(RulesTest):
    """Retries of a task, what the attempts leave, and timeouts."""

    def test_attempts_until_one_is_successful(self):
        self.up(shell("flaky", "echo attempt $GOFER_TASK_ATTEMPT; test $GOFER_TASK_ATTEMPT = 3 || exit 9",
                      retry=QUICKLY), pipeline_id="flaky")
        out, err = self.gofer("pipeline", "run", "flaky", "--follow")
        for number in (1, 2, 3):
            self.assertIn("flaky | attempt %d\n" % number, out)
        self.assertIn("flaky SUCCESSFUL\n", err)
        self.assertTrue(out.endswith("run flaky/1 SUCCESSFUL\n"), out)
        self.assertEqual([row[1:3] for row in self.rows("flaky", "1")],
                         [["1", "FAILED"], ["2", "FAILED"], ["3", "SUCCESSFUL"]])
        self.assertIn("9", self.rows("flaky", "1")[0][8])
        out = self.answer("task", "get", "flaky", "1", "flaky")
        earlier = [line.split("\t") for line in out.split("Earlier attempts:\n")[1].splitlines()[:2]]
        self.assertEqual([row[:3] for row in earlier], [["1", "FAILED", "9"], ["2", "FAILED", "9"]])
        self.assertRegex(out, r"(?m)^  launched +\+")
        for number in ("1", "2", "3"):
            self.assertEqual(self.answer("task", "logs", "flaky", "1", "flaky", "--attempt", number),
                             "attempt %s\n" % number)
        self.assertEqual(self.answer("task", "logs", "flaky", "1", "flaky"), "attempt 3\n")
        self.assertEqual(self.answer("task", "logs", "flaky", "1", "flaky", "--tail", "1"),
                         "attempt 3\n")

    def test_retries_are_of_the_exit_codes_named(self):
        self.up(shell("picky", "exit $CODE", retry=dict(QUICKLY, exitCodes=[75])), pipeline_id="picky")
        for code, attempts in (("75", 3), ("1", 1)):
            run_id = self.gofer("pipeline", "run", "picky", "-v", "CODE=" + code, "--wait", "-o", "name",
                                code=RUN_UNSUCCESSFUL)[0].strip()
            self.assertEqual(len(self.rows("picky", run_id)), attempts, code)

    def test_the_next_attempt_is_announced(self):
        self.up(shell("patient", "exit 3", retry={"maxAttempts": 2, "initialBackoff": "3600s"}),
                pipeline_id="patient")
        run_id = self.start("patient")
        self.wait_until(lambda: "nextAttemptTime" in self.json(
            "task", "get", "patient", run_id, "patient")["taskExecution"])
        self.assertRegex(self.rows("patient", run_id)[0][8],
                         r"^attempt 1 ended with exit code 3, next: \d{4}-")
        self.assertEqual(self.answer("task", "cancel", "patient", run_id, "patient"),
                         "task patient of patient/%s cancelled\n" % run_id)
        self.assertEqual(self.wait_for("patient", run_id)["status"], "RUN_STATUS_CANCELLED")

    def test_timeout_of_a_task(self):
        self.up(e2e.task("slow", *LONG, timeout="0.3s"), pipeline_id="slowtask")
        out, err = self.gofer("pipeline", "run", "slowtask", "--wait", code=RUN_UNSUCCESSFUL)
        self.assertEqual(out, "run slowtask/1 FAILED\n")
        reason = self.json("task", "get", "slowtask", "1", "slow")["taskExecution"]["statusReason"]
        self.assertEqual(reason["kind"], "TASK_EXECUTION_STATUS_REASON_KIND_TIMED_OUT")
        self.assertNotEqual(err, "")

    def test_timeout_of_a_run(self):
        self.up(e2e.task("slow", *LONG), shell("after", "true", depends_on={"slow": "any"}),
                pipeline_id="slowrun", timeout="1s")
        run_id = self.start("slowrun")
        self.assertRegex(self.answer("run", "get", "slowrun", run_id), r"Deadline: +\d{4}-")
        run = self.wait_for("slowrun", run_id)
        self.assertEqual((run["status"], run["statusReason"]["kind"]),
                         ("RUN_STATUS_FAILED", "RUN_STATUS_REASON_KIND_TIMED_OUT"))

    def test_retry_of_what_failed(self):
        marker = "test -e /proc/self && exit $CODE"
        self.up(shell("build", "echo built"), shell("test", marker, depends_on={"build": "success"}),
                shell("ship", "echo shipped", depends_on={"test": "success"}), pipeline_id="shop",
                variables={"CODE": "4"})
        self.gofer("pipeline", "run", "shop", "--wait", code=RUN_UNSUCCESSFUL)
        out, err = self.gofer("run", "retry", "shop", "1", "--failed", "--follow", code=RUN_UNSUCCESSFUL)
        self.assertIn("build SUCCESSFUL: kept from run 1\n", err)
        self.assertNotIn("built", out)
        rows = self.rows("shop", "2")
        self.assertEqual([row[0::2][:2] for row in rows],
                         [["build", "SUCCESSFUL"], ["test", "FAILED"], ["ship", "SKIPPED"]])
        self.assertEqual(rows[0][8], "kept from run 1")
        self.assertIn("build | built\n", self.gofer("run", "retry", "shop", "2", "--follow",
                                                    code=RUN_UNSUCCESSFUL)[0])

    def test_input_reaches_the_tasks(self):
        self.up(shell("reads", "cat $GOFER_INPUT"), pipeline_id="reader")
        run_id = self.answer("pipeline", "run", "reader", "--input", "-", "--wait", "-o", "name",
                             stdin="a document\n").strip()
        self.assertEqual(self.answer("task", "logs", "reader", run_id, "reads"), "a document\n")


class Queues(RulesTest):
    """Runs that wait: for a slot, for their key, or not at all."""

    def cancel(self, pipeline_id, run_id):
        self.gofer("run", "cancel", pipeline_id, run_id, "--force")
        self.wait_for(pipeline_id, run_id)

    def test_queued_by_priority_then_age(self):
        self.up(e2e.task("long", *LONG), pipeline_id="queue", parallelism=1)
        first = self.start("queue")
        waiting = [self.start("queue"), self.start("queue", "--priority", "5"), self.start("queue")]
        self.assertEqual(self.lines("run", "list", "queue", "--state", "queued", "--oldest-first", "-o",
                                    "name"), waiting)
        self.assertEqual(self.lines("run", "list", "queue", "--state", "running", "-o", "name"), [first])
        order = [first]
        while len(order) < 4:
            self.cancel("queue", order[-1])
            self.wait_until(lambda: self.answer("run", "list", "queue", "--state", "running"))
            order.append(self.lines("run", "list", "queue", "--state", "running", "-o", "name")[0])
        self.assertEqual(order, [first, waiting[1], waiting[0], waiting[2]])
        self.cancel("queue", order[-1])

    def test_rejected_when_it_is_busy(self):
        self.up(e2e.task("long", *LONG), pipeline_id="reject", parallelism=1, queuePolicy="reject")
        run_id = self.start("reject")
        self.assertIn("gofer: pipeline", self.error("pipeline", "run", "reject", code=FAILED))
        self.cancel("reject", run_id)

    def test_the_oldest_makes_room(self):
        self.up(e2e.task("long", *LONG), pipeline_id="newest", parallelism=1,
                queuePolicy="cancel_oldest")
        first, second = self.start("newest"), self.start("newest")
        self.assertEqual(self.wait_for("newest", first)["statusReason"]["kind"],
                         "RUN_STATUS_REASON_KIND_DISPLACED")
        self.wait_for("newest", second, "RUNNING")
        self.cancel("newest", second)

    def test_full_queue(self):
        self.up(e2e.task("long", *LONG), pipeline_id="full", parallelism=1, queueLimit=1)
        runs = [self.start("full"), self.start("full")]
        self.assertIn("full", self.error("pipeline", "run", "full", code=FAILED))
        self.gofer("run", "cancel", "full", "--all", "--force", "--reason", "enough")
        for run_id in runs:
            run = self.wait_for("full", run_id)
            self.assertIn("enough", run["statusReason"]["description"])

    def test_keys(self):
        self.up(e2e.task("long", *LONG), pipeline_id="keys")
        first = self.start("keys", "--ordering-key", "prod")
        second = self.start("keys", "--ordering-key", "prod", "--ordering", "newest")
        other = self.start("keys", "--ordering-key", "test")
        third = self.start("keys", "--ordering-key", "prod", "--ordering", "newest")
        self.wait_for("keys", other, "RUNNING")
        self.assertEqual(self.wait_for("keys", second)["statusReason"]["kind"],
                         "RUN_STATUS_REASON_KIND_COALESCED")
        self.assertEqual(self.state("keys", third), "QUEUED")
        self.cancel("keys", first)
        self.wait_for("keys", third, "RUNNING")
        self.assertRegex(self.answer("run", "cancel", "keys", "--all", "--force"),
                         r"^2 runs of keys are being cancelled\n$")
        for run_id in (other, third):
            self.wait_for("keys", run_id)

    def test_parallelism_of_tasks(self):
        self.up(*[shell("task-%d" % n, "sleep 0.2") for n in range(3)], pipeline_id="narrow",
                taskParallelism=1)
        self.gofer("pipeline", "run", "narrow", "--wait")
        tasks = self.json("task", "list", "narrow", "1")["taskExecutions"]
        spans = sorted((seconds(task["startTime"]), seconds(task["timeline"]["endTime"]))
                       for task in tasks)
        for before, after in zip(spans, spans[1:]):
            self.assertGreaterEqual(after[0], before[1])

    def test_summary_counts_what_runs(self):
        self.up(e2e.task("long", *LONG), pipeline_id="counted", parallelism=1)
        runs = [self.start("counted"), self.start("counted")]
        self.wait_until(lambda: self.task_state("counted", runs[0], "long") == "RUNNING")
        self.assertIn("1 queued and 1 running\n", self.answer("service", "summary"))
        self.assertRegex(self.answer("service", "summary"), r"Containers: +1\n")
        self.gofer("run", "cancel", "counted", "--all", "--force")
        for run_id in runs:
            self.wait_for("counted", run_id)


class Cancelling(RulesTest):
    """Of one task, gently and by force; and repairing."""

    def test_one_task(self):
        self.up(e2e.task("long", *LONG), shell("after", "true", depends_on={"long": "success"}),
                shell("other", "true"), pipeline_id="partly")
        run_id = self.start_long("partly")
        self.assertEqual(self.answer("task", "cancel", "partly", run_id, "long", "--reason", "no need"),
                         "task long of partly/%s is being cancelled\n" % run_id)
        run = self.wait_for("partly", run_id)
        self.assertEqual(run["status"], "RUN_STATUS_CANCELLED")
        rows = {row[0]: row for row in self.rows("partly", run_id)}
        self.assertEqual({name: row[2] for name, row in rows.items()},
                         {"long": "CANCELLED", "after": "SKIPPED", "other": "SUCCESSFUL"})
        self.assertIn("no need", rows["long"][8])
        self.assertRegex(self.answer("task", "get", "partly", run_id, "long"),
                         r"(?m)^  asked to stop +\+")

    def test_force(self):
        self.up(e2e.task("long", *DEAF, stopTimeout="600s"), pipeline_id="deaf")
        run_id = self.start_long("deaf")
        self.gofer("run", "cancel", "deaf", run_id)
        self.assertRegex(self.answer("run", "get", "deaf", run_id), "RUNNING, is being cancelled\n")
        self.gofer("run", "cancel", "deaf", run_id, "--force")
        self.assertEqual(self.wait_for("deaf", run_id)["status"], "RUN_STATUS_CANCELLED")

    def test_repair_of_a_run_that_is_well(self):
        self.up(e2e.task("long", *LONG), pipeline_id="well")
        run_id = self.start_long("well")
        self.assertEqual(self.answer("run", "repair", "well", run_id),
                         "run well/%s had nothing to repair\n" % run_id)
        self.assertEqual(self.state("well", run_id), "RUNNING")
        self.gofer("run", "cancel", "well", run_id, "--force")


class Limits(RulesTest):
    """Options of service start that bound what pipelines may ask for."""

    server_options = ["--runs-max", "2", "--namespace-runs-max", "2", "--pipeline-runs-max", "1",
                      "--pipeline-queue-max", "1", "--run-timeout-max", "10s", "--task-timeout-max",
                      "3s", "--stop-timeout", "5s"]

    def test_they_hold(self):
        self.up(e2e.task("long", *LONG), pipeline_id="bounded")
        self.up(e2e.task("long", *LONG), pipeline_id="bounded-too")
        runs = [self.start("bounded"), self.start("bounded")]
        self.assertEqual(self.state("bounded", runs[1]), "QUEUED")
        self.error("pipeline", "run", "bounded", code=FAILED)
        run = self.wait_for("bounded", runs[0])
        self.assertEqual(run["status"], "RUN_STATUS_FAILED")
        task = self.json("task", "get", "bounded", runs[0], "long")["taskExecution"]
        self.assertEqual(task["statusReason"]["kind"],
                         "TASK_EXECUTION_STATUS_REASON_KIND_TIMED_OUT")
        limits = dict(line.split("\t")[:2] for line in self.lines("service", "limits"))
        self.assertEqual((limits["task_timeout_max"], limits["run_timeout_max"], limits["runs_max"],
                          limits["pipeline_runs_max"], limits["pipeline_queue_max"],
                          limits["namespace_runs_max"], limits["stop_timeout"]),
                         ("3000", "10000", "2", "1", "1", "2", "5000"))
        self.wait_for("bounded", runs[1])


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("SKIPPED: the native scheduler needs root")
        sys.exit(0)
    e2e.main()
