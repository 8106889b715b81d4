#!/usr/bin/env python3
"""A mail server for tests: takes mails on 127.0.0.1 and keeps each as NNNNN.eml (as it came) and
NNNNN.json (envelope, and what a reader would see). It can speak TLS, ask for a password, refuse a
recipient, and put a new sender off once.

Run it by hand:  $(tests/peers/venv) tests/peers/smtp_sink.py --port 2525 --dir /tmp/mails
"""

import argparse
import asyncio
import email
import email.policy
import json
import logging
import os
import signal
import ssl
import sys
import threading
import warnings

from aiosmtpd.smtp import SMTP, AuthResult

LARGEST_MAIL = 50 * 1024 * 1024


def options():
    parser = argparse.ArgumentParser(description="A mail server for tests.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one and prints it")
    parser.add_argument("--dir", required=True, help="where mails are kept")
    parser.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"), help="PEM files")
    parser.add_argument("--implicit", action="store_true",
                        help="TLS from the first byte; else STARTTLS is demanded")
    parser.add_argument("--auth", metavar="USER:PASSWORD", help="demand this sign-in")
    parser.add_argument("--fail-rcpt", action="append", default=[], metavar="ADDRESS=CODE",
                        help="answer CODE to this recipient; may be given often")
    parser.add_argument("--fail-data", type=int, metavar="CODE",
                        help="answer CODE to every mail, after it was received")
    parser.add_argument("--drop-after-data", action="store_true",
                        help="take each mail, but hang up instead of saying so")
    parser.add_argument("--delay", type=float, default=0, metavar="SECONDS",
                        help="wait before answering each recipient")
    parser.add_argument("--greylist", action="store_true",
                        help="answer 450 to each pair of sender and recipient once")
    parser.add_argument("--with-stdin", action="store_true",
                        help="stop when standard input is closed, so as not to outlive a test")
    return parser.parse_args()


class Sink:
    """The server's decisions, and its memory."""

    def __init__(self, args):
        self.args = args
        self.refused = dict(refusal.rsplit("=", 1) for refusal in args.fail_rcpt)
        self.put_off = set()
        self.count = 0

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        if self.args.delay:
            await asyncio.sleep(self.args.delay)
        if address in self.refused:
            return f"{self.refused[address]} {address} is refused by the test"
        pair = (envelope.mail_from, address)
        if self.args.greylist and pair not in self.put_off:
            self.put_off.add(pair)
            return "450 4.7.1 Greylisted, come back"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.args.fail_data:
            return f"{self.args.fail_data} The mail is refused by the test"
        self.count += 1
        path = os.path.join(self.args.dir, f"{self.count:05}")
        with open(path + ".eml", "wb") as file:
            file.write(envelope.original_content)
        # Renamed into place, so that a reader never sees half of it.
        with open(path + ".part", "w", encoding="utf-8") as file:
            json.dump(described(session, envelope, self.args.implicit), file, indent=1)
        os.rename(path + ".part", path + ".json")
        if self.args.drop_after_data:
            server.transport.abort()
        return f"250 OK queued as {self.count}"


def described(session, envelope, implicit):
    mail = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
    text = mail.get_body(("plain",))
    html = mail.get_body(("html",))
    return {
        "helo": session.host_name,
        "tls": implicit or session.ssl is not None,
        "auth": session.auth_data.login.decode() if session.auth_data else None,
        "from": envelope.mail_from,
        "to": envelope.rcpt_tos,
        "subject": str(mail["Subject"] or ""),
        "text": text.get_content().replace("\r\n", "\n") if text else "",
        "html": html.get_content().replace("\r\n", "\n") if html else "",
        "headers": [[name, str(value)] for name, value in mail.items()],
    }


def authenticator(expected):
    def check(_server, _session, _envelope, _mechanism, given):
        if f"{given.login.decode()}:{given.password.decode()}" == expected:
            return AuthResult(success=True, auth_data=given)
        # handled=False lets the library answer 535; with True the client would wait for ever.
        return AuthResult(success=False, handled=False)

    return check


async def serve(args):
    os.makedirs(args.dir, exist_ok=True)
    tls = None
    if args.tls:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(*args.tls)
    session = {"data_size_limit": LARGEST_MAIL, "enable_SMTPUTF8": True}
    if args.auth:
        session |= {"authenticator": authenticator(args.auth), "auth_required": True}
        session |= {"auth_require_tls": tls is not None and not args.implicit}
    if tls and not args.implicit:
        session |= {"tls_context": tls, "require_starttls": True}

    sink = Sink(args)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(sink, loop=loop, **session),
        "127.0.0.1", args.port, ssl=tls if args.implicit else None)
    print("listening", server.sockets[0].getsockname()[1], flush=True)

    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)
    if args.with_stdin:
        def wait_for_end():
            sys.stdin.buffer.read()
            loop.call_soon_threadsafe(stop.set)
        threading.Thread(target=wait_for_end, daemon=True).start()
    await stop.wait()
    server.close()


if __name__ == "__main__":
    # It warns of what the tests ask for on purpose: a password without TLS.
    warnings.simplefilter("ignore")
    logging.getLogger("mail").setLevel(logging.ERROR)
    asyncio.run(serve(options()))
