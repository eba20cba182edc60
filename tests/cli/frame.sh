# The frame of the program: help, usage errors, exit codes, JSON errors, man page and completion.
expect() { # expect CODE COMMAND...: runs it, output in out and err
    want=$1; shift
    code=0; "$@" >out 2>err </dev/null || code=$?
    [ $code = $want ] || { echo "exit $code, expected $want: $*"; cat out err; exit 1; }
}
expect 0 "$RIDGE" --help
expect 0 "$RIDGE" --version
expect 2 "$RIDGE"
expect 2 "$RIDGE" nonsense
grep -q 'unknown command "nonsense"' err
expect 2 "$RIDGE" num nonsense
expect 2 "$RIDGE" num show
grep -q 'expected FORMAT' err
expect 2 "$RIDGE" num show e4m3fn --no-such-option
grep -q 'unknown option --no-such-option' err
expect 2 "$RIDGE" num show no_such_format --json
jq -e '.error.message and (.error | has("where")) and (.error | has("expected"))' out >/dev/null
[ "$(jq -s length out)" = 1 ]
expect 2 "$RIDGE" num show no_such_format
[ "$(wc -l <err)" = 1 ]
# every command has help with an example, and help names every option
for noun in num tensor model eval hw roof rtl study ledger; do
    "$RIDGE" $noun --help | sed -n 's/^  ridge [a-z]* \([a-z]*\).*/\1/p' >verbs
    [ -s verbs ]
    while read -r verb; do
        expect 0 "$RIDGE" $noun $verb --help
        grep -q '^Example:' out || { echo "ridge $noun $verb --help has no example"; exit 1; }
    done <verbs
done
"$RIDGE" --man >ridge.1
grep -q '^.SH COMMANDS' ridge.1
"$RIDGE" --completion >completion
bash -n completion
