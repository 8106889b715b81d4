#!/usr/bin/env python3
"""A SCIM 2.0 service for tests: scim2-server, which others wrote, with a door in front of it through
which a test says what shall go wrong and reads what was asked.

    scim_server.py [--without-patch]     prints "listening PORT"; ends when its standard input does

POST /control takes a list of what goes wrong, each once, with the next call of its method:
    {"method": "PATCH", "status": 429, "retry_after": "7"}    it is not passed on
    {"method": "POST", "lost": true}                          it is done, and answered 503
    {"method": "PATCH", "before": {"method", "path", "body"}} somebody else is quicker
GET /seen gives the calls so far: method, path, if_match, body."""

import argparse
import io
import json
import os
import sys
import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

from scim2_models import ScimProvider
from scim2_server.memory import InMemoryStorage
from scim2_server.service import ScimService
from scim2_server.testserver.application import BearerTokenApplication
from scim2_server.testserver.cli import ThreadingWSGIServer
from scim2_server.utils import (
    load_default_resource_types,
    load_default_schemas,
    load_default_service_provider_config,
)

TOKENS = ["first-token-of-a-test", "second-token-of-a-test"]


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


class Door:
    def __init__(self, inner):
        self.inner, self.faults, self.seen, self.lock = inner, [], [], threading.Lock()

    def __call__(self, environ, start):
        size = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(size) if size else b""
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if path == "/control":
            self.faults += json.loads(body)
            return plain(start, "200 OK", {})
        if path == "/seen":
            return plain(start, "200 OK", self.seen)
        with self.lock:
            self.seen.append({
                "method": method, "path": path, "if_match": environ.get("HTTP_IF_MATCH"),
                "body": json.loads(body) if body else None,
            })
            fault = next((each for each in self.faults if each["method"] == method), None)
            if fault:
                self.faults.remove(fault)
        if fault and "before" in fault:
            self.quicker(environ, fault["before"])
        if fault and "status" in fault:
            more = [("Retry-After", fault["retry_after"])] if "retry_after" in fault else []
            return plain(start, f"{fault['status']} As told", {"detail": "as told"}, more)
        status, headers, answer = self.pass_on(environ, method, path, body)
        if fault and "lost" in fault:
            return plain(start, "503 Lost", {"detail": "the answer was lost"})
        start(status, headers)
        return [answer]

    def pass_on(self, environ, method, path, body):
        own = dict(environ, REQUEST_METHOD=method, PATH_INFO=path, CONTENT_LENGTH=str(len(body)))
        own["wsgi.input"] = io.BytesIO(body)
        kept = {}
        answer = b"".join(self.inner(own, lambda status, headers, *_: kept.update(s=status, h=headers)))
        return kept["s"], kept["h"], answer

    def quicker(self, environ, other):
        stranger = {name: value for name, value in environ.items() if name != "HTTP_IF_MATCH"}
        stranger["QUERY_STRING"] = ""
        body = json.dumps(other["body"]).encode()
        self.pass_on(stranger, other["method"], other["path"], body)


def plain(start, status, body, more=()):
    answer = json.dumps(body).encode()
    start(status, [("Content-Type", "application/json"), ("Content-Length", str(len(answer))), *more])
    return [answer]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--without-patch", action="store_true")
    args = parser.parse_args()
    config = load_default_service_provider_config()
    if args.without_patch:
        config.patch.supported = False
    provider = ScimProvider.from_discovery(
        load_default_schemas().values(), load_default_resource_types().values(), config=config
    )
    service = ScimService(provider, secret="of-a-test")
    inner = BearerTokenApplication(InMemoryStorage(), provider, service=service, bearer_tokens=TOKENS)
    with make_server(
        "127.0.0.1", 0, Door(inner), server_class=ThreadingWSGIServer, handler_class=Quiet
    ) as server:
        print(f"listening {server.server_port}", flush=True)
        threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
        server.serve_forever()


main()
