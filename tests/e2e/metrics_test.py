#!/usr/bin/python3
"""The metrics of a server: an independent parser reads them, they keep to the conventions of Prometheus, they
move, and the reference has each of them.

Usage: metrics_test.py GOFER METRICS_MD [-kPATTERN]
       metrics_test.py GOFER --reference    prints docs/reference/metrics.md
"""

import os
import re
import sys
import time
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import e2e  # pylint: disable=wrong-import-position
from gofer_server import GoferServer  # pylint: disable=wrong-import-position
from prometheus_client.parser import text_string_to_metric_families  # pylint: disable=wrong-import-position

HEAD = """# Metrics

What `gofer service metrics` prints and a scraper gets: every family with its type, its labels and its
meaning. [operating.md](../guides/operating.md#metrics) tells how to scrape them and what to watch. Figures are counted from
the start of the server. A limit stands beside its use under the same name with `_limit`; 0 says that there is none.

This page is made by `tests/e2e/metrics_test.py GOFER --reference`, and a test compares it with a server.

| metric | type | labels | meaning |
|---|---|---|---|
"""

# What a label may be called, and how many values there may be of each at most, in any server.
LABELS = {
    "cause": 16, "code": 17, "codec": 2, "commit": 1, "direction": 2, "kind": 100, "lane": 3, "listener": 4, "method": 200,
    "outcome": 8, "pool": 2, "protocol": 8, "reason": 32, "sender": 2, "server": 2, "status": 12, "transport": 4, "version": 1,
}
# Labels of families whose samples come with what they count, with containers, or with HTTP.
LATE_LABELS = {
    "gofer_external_requests_total": ("outcome",),
    "gofer_gateway_calls_total": ("codec", "protocol"),
    "gofer_gateway_responses_total": ("status",),
    "gofer_network_namespaces_ready": ("kind",),
    "gofer_network_namespaces_ready_limit": ("kind",),
    "gofer_rpc_call_seconds": ("method", "server"),
    "gofer_rpc_calls_begun_total": ("method", "server", "transport"),
    "gofer_rpc_calls_total": ("code", "method", "server", "transport"),
}
# Settings whose limits are told, with the metric of each.
LIMITS = {
    "address_rate_max": "gofer_gate_address_calls_per_second_limit",
    "address_streams_max": "gofer_gate_address_calls_limit",
    "calls_max": 'gofer_rpc_calls_in_progress_limit{server="people"}',
    "containers_max": "gofer_attempts_running_limit",
    "external_address_connections_max": "gofer_external_address_connections_limit",
    "external_address_rate_max": "gofer_external_address_requests_per_second_limit",
    "external_body_bytes_max": "gofer_external_body_bytes_limit",
    "external_connections_max": 'gofer_http_connections_limit{listener="external"}',
    "followers_max": "gofer_event_followers_limit",
    "http_connections_max": 'gofer_http_connections_limit{listener="gateway"}',
    "namespaces_max": 'gofer_objects_limit{kind="namespaces"}',
    "queue_commands_max": 'gofer_engine_queue_inputs_limit{lane="commands"}',
    "roles_max": 'gofer_objects_limit{kind="roles"}',
    "runs_active_max": "gofer_runs_active_limit",
    "runs_max": "gofer_runs_running_limit",
    "sessions_max": "gofer_sessions_limit",
    "token_rate_max": "gofer_gate_token_calls_per_second_limit",
    "token_streams_max": "gofer_gate_token_streams_limit",
    "tokens_max": 'gofer_objects_limit{kind="tokens"}',
}
SAMPLE = re.compile(r'^([a-z][a-z0-9_]*)(\{.*\})? (\S+)$')


class Family:
    """One family as the text has it, line by line: what a lenient parser would let pass is seen here."""

    def __init__(self, name, text):
        self.name, self.help, self.kind, self.samples = name, text, None, {}

    def takes(self, name):
        suffixes = ("_bucket", "_sum", "_count") if self.kind == "histogram" else ("",)
        return name in [self.name + suffix for suffix in suffixes]


def read(text):
    """The families by their names. Everything that is not as the format wants it is an AssertionError."""
    families, family = {}, None
    assert text.endswith("\n") and "\r" not in text
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            _, _, name, words = line.split(" ", 3)
            assert name not in families, "%s comes twice" % name
            family = families[name] = Family(name, words)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == family.name and family.kind is None, line
            family.kind = kind
        else:
            match = SAMPLE.match(line)
            assert match, line
            name, labels, value = match.groups()
            assert family.kind and family.takes(name), "%s is not of %s" % (line, family.name)
            key = name + (labels or "")
            assert key not in family.samples, "%s comes twice" % key
            family.samples[key] = float(value)
    return families


def labels_of(family):
    names = set(LATE_LABELS.get(family.name, ("listener",) if family.name.startswith("gofer_http_") else ()))
    for key in family.samples:
        names.update(re.findall(r'[{,]([a-z_]+)="', key))
    return sorted(names - {"le"})


def reference(families):
    rows = []
    for family in sorted(families.values(), key=lambda family: family.name):
        labels = ", ".join("`%s`" % name for name in labels_of(family))
        rows.append("| `%s` | %s | %s | %s |\n" % (family.name, family.kind, labels, family.help))
    return HEAD + "".join(rows)


class MetricsTest(e2e.ServerTest):

    def scrape(self):
        return self.answer("service", "metrics")

    def value(self, key):
        """One sample; 0 where its family has none of it yet."""
        name = key.split("{")[0]
        families = read(self.scrape())
        for family in families.values():
            if family.takes(name):
                return family.samples.get(key, 0)
        self.fail("no family of %s" % key)
        return 0

    def wait_for(self, key, value):
        deadline = time.monotonic() + e2e.WAIT_S
        while self.value(key) != value:
            self.assertLess(time.monotonic(), deadline, "%s is %s" % (key, self.value(key)))


class Format(MetricsTest):

    http = True
    external = True

    def setUp(self):
        self.text = self.scrape()
        self.families = read(self.text)

    def test_an_independent_parser_reads_the_same(self):
        theirs = {}
        for family in text_string_to_metric_families(self.text):
            self.assertTrue(family.documentation)
            for sample in family.samples:
                theirs[(sample.name, tuple(sorted(sample.labels.items())))] = sample.value
        ours = {}
        for family in self.families.values():
            for key, value in family.samples.items():
                name, _, rest = key.partition("{")
                ours[(name, tuple(sorted(re.findall(r'([a-z_]+)="([^"]*)"', rest))))] = value
        self.assertEqual(ours, theirs)
        self.assertGreater(len(ours), 500)

    def test_names(self):
        for family in self.families.values():
            name = family.name
            with self.subTest(name):
                self.assertRegex(name, r"^(gofer|process)_[a-z0-9_]+$")
                self.assertNotRegex(name, r"_(ms|ns|us|milliseconds|minutes|hours|kib|mib|kb|mb|percent)(_|$)")
                self.assertIn(family.kind, ("counter", "gauge", "histogram"))
                self.assertEqual(name.endswith("_total"), family.kind == "counter")
                self.assertTrue(family.kind != "histogram" or name.endswith("_seconds"))
                # A unit stands at the end, before _total, or before _limit.
                for unit in ("seconds", "bytes"):
                    if "_%s" % unit in name:
                        self.assertRegex(name, r"_%s(_total|_limit)?$" % unit)
                self.assertRegex(family.help, r"^[A-Z].*\.$")

    def test_labels_are_few(self):
        values = {}
        for family in self.families.values():
            for key in family.samples:
                for name, value in re.findall(r'([a-z_]+)="([^"]*)"', key):
                    values.setdefault(name, set()).add(value)
        self.assertEqual(len(values.pop("le")), 25)
        for name, found in values.items():
            self.assertIn(name, LABELS)
            self.assertLessEqual(len(found), LABELS[name], name)

    def test_histograms(self):
        for family in self.families.values():
            if family.kind != "histogram":
                continue
            series = {}
            for key, value in family.samples.items():
                match = re.match(r'.*_bucket\{(.*?),?le="(.*)"\}$', key)
                if match:
                    series.setdefault(match.group(1), []).append((float(match.group(2)), value))
            for labels, buckets in series.items():
                braces = "{%s}" % labels if labels else ""
                self.assertEqual(buckets, sorted(buckets))
                self.assertEqual([count for _, count in buckets], sorted(count for _, count in buckets))
                self.assertEqual(buckets[-1][0], float("inf"))
                self.assertEqual(buckets[-1][1], family.samples["%s_count%s" % (family.name, braces)])
                self.assertGreaterEqual(family.samples["%s_sum%s" % (family.name, braces)], 0)

    def test_every_limit_has_its_use(self):
        # Those of one token or one address: how much of them is used, each caller has for himself.
        alone = re.compile(r"^gofer_(gate_(token|address)|external_address)_|^gofer_external_body_bytes_limit")
        for name in self.families:
            if name.endswith("_limit") and not alone.match(name):
                self.assertTrue(name[:-len("_limit")] in self.families, name)

    def test_limits_are_those_that_the_server_tells(self):
        limits = {limit["name"]: int(limit.get("value", 0)) for limit in self.json("service", "limits")["limits"]}
        samples = {key: value for family in self.families.values() for key, value in family.samples.items()}
        for name, key in LIMITS.items():
            self.assertEqual(samples[key], limits[name], name)

    def test_the_reference_has_them_all(self):
        with open(e2e.ARGUMENTS[0], encoding="utf-8") as file:
            self.assertEqual(file.read(), reference(self.families),
                             "make it anew: tests/e2e/metrics_test.py GOFER --reference > docs/reference/metrics.md")

    def test_as_json(self):
        answer = self.json("service", "metrics")
        self.assertEqual(answer["contentType"], "text/plain; version=0.0.4; charset=utf-8")
        self.assertEqual(set(read(answer["text"])), set(self.families))


class Movement(MetricsTest):

    def samples(self):
        families = read(self.scrape())
        return {key: value for family in families.values() for key, value in family.samples.items()}

    def test_runs(self):
        started = ('gofer_rpc_calls_total{server="people",method="gofer.v1.RunService/StartRun",'
                   'transport="grpc",code="OK"}')
        ended = 'gofer_runs_ended_total{status="successful"}'
        before = self.samples()
        self.up(e2e.task("one"), e2e.task("two"), pipeline_id="moving")
        for _ in range(3):
            self.gofer("pipeline", "run", "moving", "--wait")
        self.wait_for(ended, before[ended] + 3)
        samples = self.samples()
        grown = (('gofer_tasks_ended_total{status="successful"}', 6), ("gofer_attempts_launched_total", 6),
                 ('gofer_events_total{kind="run_completed"}', 3), (started, 3))
        for key, count in grown:
            self.assertEqual(samples[key] - before.get(key, 0), count, key)
        self.assertEqual(samples["gofer_runs_active"], 0)
        self.assertEqual(samples["gofer_attempts_running"], 0)
        self.assertGreater(samples["gofer_engine_commit_seconds_count"], 3)
        self.assertGreater(samples["gofer_engine_commit_seconds_sum"], 0)
        self.assertGreater(samples["gofer_store_reads_total"], 3)
        self.assertGreater(samples["gofer_event_wakes_total"], 0)
        self.assertGreater(samples["process_cpu_seconds_total"], 0)
        self.assertGreater(samples["process_resident_memory_bytes"], 1 << 20)
        self.assertLessEqual(samples["process_start_time_seconds"], time.time())

    def test_answers_of_the_engine(self):
        key = 'gofer_engine_replies_total{code="NOT_FOUND"}'
        before = self.value(key)
        self.error("pipeline", "run", "nowhere", code=e2e.NOT_FOUND)
        self.assertEqual(self.value(key), before + 1)

    def test_many_things_make_no_more_series(self):
        self.up(e2e.task("task-of-nobody-else"), pipeline_id="first-of-many")
        self.gofer("pipeline", "run", "first-of-many", "--wait")
        self.gofer("namespace", "create", "first-space")
        before = self.scrape()
        for number in range(5):
            self.up(e2e.task("task-%d" % number), pipeline_id="pipeline-%d" % number)
            self.gofer("pipeline", "run", "pipeline-%d" % number, "--wait")
        self.gofer("namespace", "create", "other-space")
        after = self.scrape()
        self.assertEqual(before.count("\n"), after.count("\n"))
        for name in ("first-of-many", "pipeline-3", "task-of-nobody-else", "first-space"):
            self.assertFalse(name in after, name)


class Access(MetricsTest):

    auth = True
    http = True

    def get(self, token, method="GET"):
        """What a scraper gets: status, content type, text."""
        request = urllib.request.Request("http://%s/metrics" % self.server.http_address, method=method)
        if token is not None:
            request.add_header("Authorization", "Bearer " + token)
        try:
            with urllib.request.urlopen(request, timeout=e2e.WAIT_S) as answer:
                return answer.status, answer.headers["Content-Type"], answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers["Content-Type"], error.read().decode()

    def test_over_http(self):
        status, content_type, text = self.get(self.server.token)
        self.assertEqual(status, 200, text)
        self.assertEqual(content_type, "text/plain; version=0.0.4; charset=utf-8")
        families = read(text)
        self.assertEqual(set(families), set(read(self.scrape())))
        self.assertEqual(families["gofer_http_requests"].samples['gofer_http_requests{listener="gateway"}'], 1)
        self.assertEqual(self.get(None)[0], 401)
        self.assertEqual(self.get("gfr_h_" + "0" * 36)[0], 401)
        self.assertGreaterEqual(self.value('gofer_gateway_responses_total{status="4xx"}'), 2)
        self.assertGreaterEqual(self.value('gofer_http_requests_total{listener="gateway"}'), 3)

    def test_they_need_what_the_summary_needs(self):
        refused = 'gofer_gate_refused_total{reason="token_required"}'
        before = self.value(refused)
        self.error("service", "metrics", environment={"GOFER_TOKEN": ""}, code=e2e.NOT_ALLOWED)
        self.error("service", "summary", environment={"GOFER_TOKEN": ""}, code=e2e.NOT_ALLOWED)
        self.assertEqual(self.value(refused), before + 2)
        self.gofer("namespace", "create", "of-a-team")
        self.gofer("role", "create", "of-a-team-dev", "--like", "developer", "-n", "of-a-team")
        token = self.answer("token", "create", "--user", "eve-of-nowhere", "--role", "of-a-team-dev").strip()
        denied = 'gofer_gate_refused_total{reason="permission_missing"}'
        before = self.value(denied)
        self.error("service", "metrics", environment={"GOFER_TOKEN": token}, code=e2e.NOT_ALLOWED)
        self.assertEqual(self.value(denied), before + 1)
        text = self.scrape()
        for secret in (token, self.server.token, "eve-of-nowhere", "of-a-team"):
            self.assertFalse(secret in text, secret)


    def test_a_scraper_needs_one_right(self):
        """As operating.md tells."""
        self.gofer("role", "create", "scraper", "--allow", "read:system")
        token = self.answer("token", "create", "--user", "prometheus", "--kind", "bot", "--role", "scraper").strip()
        mine = {"GOFER_TOKEN": token}
        self.assertEqual(set(read(self.answer("service", "metrics", environment=mine))), set(read(self.scrape())))
        self.error("pipeline", "list", environment=mine, code=e2e.NOT_ALLOWED)


def print_reference(gofer):
    with GoferServer(gofer, scheduler="null") as server:
        sys.stdout.write(reference(read(server.run("service", "metrics").stdout)))


if __name__ == "__main__":
    if sys.argv[2:] == ["--reference"]:
        print_reference(sys.argv[1])
    else:
        e2e.main()
