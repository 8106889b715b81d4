#!/usr/bin/env python3
"""Whether a call of Portico's is genuine, for receivers in Python.

    verify.py ID TIMESTAMP SIGNATURE < BODY

The first three are the headers webhook-id, webhook-timestamp and webhook-signature; the body is
taken byte for byte. The signing secret is in PORTICO_SECRET; while it is rotated both may be there
with a space between. Ends with 0 if it is genuine and with 1 if not."""

import base64
import hashlib
import hmac
import os
import sys
import time

TOLERANCE = 300  # seconds


def is_genuine(secrets, call_id, timestamp, signatures, body, now):
    if not timestamp.isdigit() or abs(now - int(timestamp)) > TOLERANCE:
        return False
    signed = f"{call_id}.{timestamp}.".encode() + body
    for secret in secrets:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        for one in signatures.split(" "):
            if hmac.compare_digest(one.encode(), f"v1,{expected}".encode()):
                return True
    return False


if __name__ == "__main__":
    _, call_id, timestamp, signatures = sys.argv
    secrets = os.environ["PORTICO_SECRET"].split()
    genuine = is_genuine(
        secrets, call_id, timestamp, signatures, sys.stdin.buffer.read(), int(time.time())
    )
    sys.exit(0 if genuine else 1)
