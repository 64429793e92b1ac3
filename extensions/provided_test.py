#!/usr/bin/python3
"""The programs of cron and interval, with a stand-in for gofer: what they start, and their dialogs.

Usage: provided_test.py CRON INTERVAL MODULES
"""

import datetime
import json
import os
import subprocess
import sys
import tempfile
import unittest

CRON, INTERVAL, MODULES = (os.path.abspath(path) for path in sys.argv[1:4])
sys.path[:0] = [MODULES, "tests/harness"]

from stand_in import StandIn, extension_pb2, subscribe  # pylint: disable=wrong-import-position

UTC = datetime.timezone.utc
NOW = datetime.datetime.now(UTC).replace(microsecond=0)
# Half an hour from now on either side, so that no time comes while the test runs.
LAST = NOW.replace(second=0) - datetime.timedelta(minutes=30)
HOURLY = "%d * * * *" % LAST.minute


def text_of(time):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def hours_ago(hours):
    """A time of HOURLY: 0 is the last one."""
    return LAST - datetime.timedelta(hours=hours)


class Extension:
    """A program that runs with a stand-in."""

    def __init__(self, program, mode=extension_pb2.CONNECTION_MODE_WORK, **settings):
        self.work = tempfile.TemporaryDirectory(prefix="gofer-test-", dir="/tmp")
        self.socket = os.path.join(self.work.name, "gofer.sock")
        self.gofer = StandIn(self.socket, settings, mode)
        self.program = program
        self.process = None

    def __enter__(self):
        self.gofer.__enter__()
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith("GOFER_")}
        environment.update(GOFER_EXTENSION_ID=os.path.basename(self.program),
                           GOFER_HOST="unix:" + self.socket, GOFER_LOG_LEVEL="warning")
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [self.program], env=environment, stdin=subprocess.DEVNULL)
        return self.gofer

    def __exit__(self, *_):
        self.process.terminate()
        code = self.process.wait(30)
        self.gofer.__exit__()
        self.work.cleanup()
        if code != 0 and sys.exc_info()[0] is None:
            raise RuntimeError("the extension ended with %d" % code)


class Starts(unittest.TestCase):
    """What is started, and how it is named."""

    def accepted(self, gofer):
        result = gofer.expect("subscription_result")
        self.assertEqual(result.outcome, extension_pb2.SUBSCRIPTION_OUTCOME_ACCEPTED,
                         result.description)
        return result

    def refused(self, gofer):
        result = gofer.expect("subscription_result")
        self.assertEqual(result.outcome, extension_pb2.SUBSCRIPTION_OUTCOME_REFUSED)
        return result.description

    def test_cron_makes_up_for_what_was_missed_in_order(self):
        settings = {"expression": HOURLY, "catch_up": "12h", "catch_up_mode": "all",
                    "overlap": "newest"}
        with Extension(CRON) as gofer:
            gofer.greet([subscribe("hourly", create_time=hours_ago(3).timestamp(), **settings)])
            self.accepted(gofer)
            for hours in (2, 1, 0):
                start = gofer.expect("start_run")
                time = text_of(hours_ago(hours))
                self.assertEqual(start.idempotency_key, time)
                self.assertEqual(start.variables["GOFER_EXTENSION_CRON_SCHEDULED_TIME"], time)
                self.assertEqual(start.reason, "'%s' in UTC is due at %s+00:00" % (HOURLY, time[:-1]))
                self.assertEqual(start.ordering_key, "cron/hourly")
                self.assertEqual(start.ordering_policy, 2)
                self.assertTrue(start.checkpoint.startswith(time + " "))
                checkpoint = start.checkpoint
        # A restart in between: the checkpoint says how far it had come.
        with Extension(CRON) as gofer:
            gofer.greet([
                subscribe("hourly", checkpoint=checkpoint,
                          create_time=hours_ago(3).timestamp(), **settings),
                subscribe("other", create_time=hours_ago(3).timestamp(),
                          expression=HOURLY, catch_up="12h"),
            ])
            start = gofer.expect("start_run")
            self.assertEqual(start.subscription.subscription_id, "other")
            self.assertEqual(start.idempotency_key, text_of(hours_ago(0)))
            self.assertEqual(start.ordering_key, "")

    def test_cron_starts_nothing_of_before_a_change(self):
        checkpoint = text_of(hours_ago(5)) + " 0123456789abcdef"
        with Extension(CRON) as gofer:
            gofer.greet([subscribe("changed", checkpoint=checkpoint, expression="0 0 1 1 *",
                                   catch_up="31d", catch_up_mode="all")])
            self.accepted(gofer)
            mark = gofer.expect("checkpoint")
            self.assertEqual(mark.subscription.subscription_id, "changed")
            self.assertNotIn("0123456789abcdef", mark.value)
            self.assertGreaterEqual(mark.value[:19], text_of(NOW)[:19])
            self.assertEqual(gofer.arrivals, [])

    def test_cron_says_what_is_wrong(self):
        with Extension(CRON, time_zone="Europe/Berlin") as gofer:
            gofer.greet([subscribe("wrong", expression="0 1 * * mo"),
                         subscribe("over", expression="0 1 * * * 2020")])
            self.assertEqual(self.refused(gofer),
                             "'0 1 * * mo': day-of-week at character 9: 'mo' is unknown, expected "
                             "0 to 7 or sun to sat")
            self.assertEqual(self.refused(gofer),
                             "'0 1 * * * 2020' is never due again from now on")
            gofer.expect("ready")
            gofer.say(debug_request=extension_pb2.DebugRequest(request_id="look"))
            self.assertIn("time zone: Europe/Berlin", gofer.expect("debug_info").info)

    def test_interval_makes_up_once_for_what_was_missed(self):
        created = hours_ago(100).timestamp()
        with Extension(INTERVAL) as gofer:
            gofer.greet([subscribe("hourly", create_time=created, every="1h", jitter="0s")])
            start = gofer.expect("start_run")
            self.assertEqual(start.idempotency_key, text_of(hours_ago(0)))
            self.assertEqual(start.variables["GOFER_EXTENSION_INTERVAL_EVERY"], "1h")
            self.assertEqual(start.reason, "every 1h, due at " + text_of(hours_ago(0)))

    def test_interval_keeps_to_the_shortest_one(self):
        with Extension(INTERVAL, min_interval="10m") as gofer:
            gofer.greet([subscribe("short", every="9m"), subscribe("right", every="10m")])
            self.assertEqual(self.refused(gofer),
                             "an interval of 9m is too short, expected 10m at least")
            self.accepted(gofer)


class Dialogs(unittest.TestCase):
    """What people are asked, and what comes out."""

    def talk(self, gofer, kind, answers):
        """Gives (answer, what must be in the question's error) in turn; returns texts and settings."""
        gofer.say(dialog_start=extension_pb2.DialogStart(
            dialog_id="talk", kind=kind, namespace_id="default", pipeline_id="pipeline"))
        texts = []
        for answer, error in answers:
            step = gofer.expect("dialog_step")
            while step.WhichOneof("step") == "text":
                texts.append(step.text)
                step = gofer.expect("dialog_step")
            self.assertEqual(step.WhichOneof("step"), "question")
            self.assertIn(error, step.question.error_description)
            self.assertTrue(step.question.parameter_name)
            gofer.say(dialog_answer=extension_pb2.DialogAnswer(dialog_id="talk", text=answer))
        step = gofer.expect("dialog_step")
        return texts, dict(step.settings.settings)

    def test_cron_leads_to_a_subscription(self):
        with Extension(CRON) as gofer:
            gofer.greet([])
            gofer.expect("ready")
            texts, settings = self.talk(gofer, extension_pb2.DIALOG_KIND_SUBSCRIPTION, [
                ("0 25 * * *", ""), ("30 2 1 1 *", "hour at character 3"),
                ("Europe/Atlantis", ""), ("Europe/Berlin", "no time zone 'Europe/Atlantis'"),
                ("skip", ""), ("queue", "expected allow, queue or newest")])
            self.assertEqual(settings, {"expression": "30 2 1 1 *", "time_zone": "Europe/Berlin",
                                        "overlap": "queue"})
            self.assertEqual(texts[0].count("-01-01T02:30:00+01:00"), 5, texts[0])

    def test_cron_leads_an_administrator(self):
        with Extension(CRON, extension_pb2.CONNECTION_MODE_INSTALLER) as gofer:
            gofer.greet([])
            _, settings = self.talk(gofer, extension_pb2.DIALOG_KIND_INSTALLER,
                                    [("Mars", ""), ("", "no time zone 'Mars'")])
            self.assertEqual(settings, {"time_zone": "UTC"})

    def test_interval_leads_to_a_subscription(self):
        with Extension(INTERVAL, min_interval="2m") as gofer:
            gofer.greet([])
            gofer.expect("ready")
            _, settings = self.talk(gofer, extension_pb2.DIALOG_KIND_SUBSCRIPTION, [
                ("soon", ""), ("1m", "malformed"), ("5m", "expected 2m at least"), ("", "")])
            self.assertEqual(settings, {"every": "5m", "overlap": "allow"})

    def test_interval_leads_an_administrator(self):
        with Extension(INTERVAL, extension_pb2.CONNECTION_MODE_INSTALLER) as gofer:
            gofer.greet([])
            _, settings = self.talk(gofer, extension_pb2.DIALOG_KIND_INSTALLER,
                                    [("10ms", ""), ("30s", "expected 1s at least")])
            self.assertEqual(settings, {"min_interval": "30s"})


class Described(unittest.TestCase):
    """What they say about themselves without gofer."""

    def test_descriptions_have_documentation_and_parameters(self):
        for program, names in ((CRON, {"expression", "time_zone", "jitter", "overlap", "catch_up",
                                       "catch_up_mode"}),
                               (INTERVAL, {"every", "jitter", "overlap"})):
            text = subprocess.run([program, "--describe"], check=True, capture_output=True).stdout
            described = json.loads(text)
            self.assertEqual({each["name"] for each in described["subscriptionParameters"]}, names)
            for name in names:
                self.assertIn("`%s`" % name, described["documentation"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
