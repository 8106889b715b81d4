"""One JSON file per user, in the folder that the property `folder` names.

Reads one JSON document on its input and prints one JSON object. Doing the same
again changes nothing and ends with 10. A file is replaced whole, so that a run
which is stopped leaves the old one or the new one, never half of one.
"""

import json
import os
import sys

DONE, ALREADY, REFUSED = 0, 10, 30


def answer(code, message, changes=(), outputs=None):
    json.dump({"message": message, "changes": list(changes), "outputs": outputs or {}}, sys.stdout)
    sys.exit(code)


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return None


def write(path, note):
    fresh = path + ".new"
    with open(fresh, "w", encoding="utf-8") as file:
        json.dump(note, file, ensure_ascii=False, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)


def main():
    call = json.load(sys.stdin)
    user, props = call["user"] or {}, dict(call["props"])
    folder = props.pop("folder")
    if not os.path.isabs(folder) or not os.path.isdir(folder):
        answer(REFUSED, f"There is no folder {folder}.")
    number = user.get("id")
    if not isinstance(number, int):
        answer(REFUSED, "The call is about no user.")
    # The number, not a name: nothing that people type becomes part of a path.
    path = os.path.join(folder, f"user-{number}.json")
    before = read(path)

    verb = call["verb"]
    if verb == "check":
        answer(DONE, f"{folder} can be written." if os.access(folder, os.W_OK) else "Read only.")
    if verb == "remove":
        if before is None:
            answer(ALREADY, "There was no note.")
        if not call["dry_run"]:
            os.remove(path)
        answer(DONE, "The note is removed.", [f"{path}: removed"])
    if before is None and verb != "create":
        answer(REFUSED, "There is no note to change: create it first.")

    state = {"suspend": "suspended", "resume": "active"}.get(verb, (before or {}).get("state", "active"))
    after = {"user": number, "upn": user.get("upn"), "state": state, "props": props}
    if after == before:
        answer(ALREADY, "The note says so already.", outputs={"note": path})
    if not call["dry_run"]:
        write(path, after)
    known = before or {}
    changes = [f"{key}: {known.get(key)} -> {after[key]}" for key in after if known.get(key) != after[key]]
    answer(DONE, "The note is written.", changes, {"note": path})


main()
