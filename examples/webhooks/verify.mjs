#!/usr/bin/env node
// Whether a call of Portico's is genuine, for receivers in JavaScript.
//
//     verify.mjs ID TIMESTAMP SIGNATURE < BODY
//
// The first three are the headers webhook-id, webhook-timestamp and webhook-signature; the body is
// taken byte for byte. The signing secret is in PORTICO_SECRET; while it is rotated both may be there
// with a space between. Ends with 0 if it is genuine and with 1 if not.
import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";

const TOLERANCE = 300; // seconds

const same = (a, b) => a.length === b.length && timingSafeEqual(a, b);

export function isGenuine(secrets, id, timestamp, signatures, body, now) {
  if (!/^[0-9]+$/.test(timestamp) || Math.abs(now - Number(timestamp)) > TOLERANCE) return false;
  return secrets.some((secret) => {
    const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
    const mac = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body);
    const expected = Buffer.from(`v1,${mac.digest("base64")}`);
    return signatures.split(" ").some((one) => same(Buffer.from(one), expected));
  });
}

const [id, timestamp, signatures] = process.argv.slice(2);
const secrets = process.env.PORTICO_SECRET.split(/\s+/);
const now = Math.floor(Date.now() / 1000);
process.exit(isGenuine(secrets, id, timestamp, signatures, readFileSync(0), now) ? 0 : 1);
