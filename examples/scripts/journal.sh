# Appends the call's key to the file that the property `file` names, unless it is there already.
# sh cannot read JSON, and guessing at it with sed lets one field pass for another: ask something
# that can.
set -eu
call=$(cat)

field() {
  printf '%s' "$call" | python3 -c 'import json, sys
value = json.load(sys.stdin)
for name in sys.argv[1:]:
    value = value[name]
print(json.dumps(value) if isinstance(value, bool) else value)' "$@"
}

line="$(field key) $(field verb)"
file=$(field props file)
case $line in
*[!A-Za-z0-9.\ -]*)
  echo '{"message":"The key or the verb is not plain."}'
  exit 30
  ;;
esac
if [ -f "$file" ] && grep -qxF -e "$line" -- "$file"; then
  echo '{"message":"It is in the journal already."}'
  exit 10
fi
if [ "$(field dry_run)" = false ]; then
  printf '%s\n' "$line" >>"$file"
fi
printf '{"message":"Written to the journal.","changes":["+ %s"],"outputs":{"line":"%s"}}\n' \
  "$line" "$line"
