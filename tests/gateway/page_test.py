#!/usr/bin/env python3
"""The page of /docs in a real browser, under the policy that the gateway sends: it shows calls, fields,
examples and errors, and nothing of it is refused.

    page_test.py OPENAPI.JSON PAGE.HTML PAGE.CSS PAGE.JS
"""

import html
import http.server
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading

POLICY = ("default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
          "object-src 'none'")
PATIENCE_SECONDS = 60


def serve(files):
    """A server of these files: path -> (content type, bytes)."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            kind, body = files.get(self.path, ("text/plain", None))
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Security-Policy", POLICY)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def browse(browser, url, home):
    """What the page has become, as HTML, and what the browser says of it."""
    result = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         "--user-data-dir=" + home, "--enable-logging=stderr", "--v=0",
         "--virtual-time-budget=10000", "--dump-dom", url],
        capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False,
        env=dict(os.environ, HOME=home))
    return result.stdout, result.stderr


def text_of(dom):
    """The words of the part that is shown, without the tags."""
    main = dom[dom.index("<main"):dom.index("</main>")]
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", main)))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def main():
    browser = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if browser is None:
        sys.exit("there is no chromium: tools/deps installs it")
    document, page, style, script = (read(path) for path in sys.argv[1:5])
    server = serve({
        "/openapi.json": ("application/json", document),
        "/docs": ("text/html; charset=utf-8", page),
        "/docs/page.css": ("text/css; charset=utf-8", style),
        "/docs/page.js": ("text/javascript; charset=utf-8", script),
    })
    url = "http://127.0.0.1:%d/docs" % server.server_address[1]
    wanted = {
        "": ["The gofer API", "RunService starts, shows and controls runs.", "Connect protocol"],
        "#RunService.StartRun": [
            "StartRun", "/gofer.v1.RunService/StartRun", "pipelineId string required",
            "≤ 1024 characters", "Fields of RunInput", '-d \'{"pipelineId":"pipeline-1"}\'',
            "404 NOT_FOUND if the namespace or the pipeline does not exist"],
        "#RunService.WatchRun": ["Answers, each in an envelope", r"printf '\000\000\000\000"],
        "#TaskExecutionService.AttachTaskExecution": ["it is served over gRPC only"],
        "#ObjectService.PutRunObject": ["This version does not have it"],
    }
    faults = []
    with tempfile.TemporaryDirectory() as home:
        for fragment, texts in wanted.items():
            dom, said = browse(browser, url + fragment, home)
            shown = text_of(dom) if "</main>" in dom else ""
            faults += ["%s: no '%s' in: %s" % (fragment, text, shown[:2000])
                       for text in texts if text not in shown]
            faults += ["%s: %s" % (fragment, line) for line in said.splitlines()
                       if "CONSOLE" in line or "Content Security Policy" in line]
    server.shutdown()
    print("\n".join(faults) or "%d pages as they should be" % len(wanted))
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
