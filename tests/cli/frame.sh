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
for noun in num tensor model eval hw roof perf rtl study ledger; do
    "$RIDGE" $noun --help | sed -n 's/^  ridge [a-z]* \([a-z-]*\).*/\1/p' >verbs
    [ -s verbs ]
    while read -r verb; do
        expect 0 "$RIDGE" $noun $verb --help
        grep -A 1 '^Example:' out | grep -q "ridge $noun $verb" || { echo "ridge $noun $verb --help has no example"; exit 1; }
    done <verbs
done
"$RIDGE" --man >ridge.1
grep -q '^.SH COMMANDS' ridge.1
"$RIDGE" --completion >completion
bash -n completion
# one letter takes one dash, in usage and errors
expect 0 "$RIDGE" rtl gen --help
grep -q '^Usage: ridge rtl gen UNIT -o DIR ' out
expect 2 "$RIDGE" rtl gen 'dot(a=e2m1,b=e2m1,n=2)'
grep -q 'option -o is needed' err
# what cannot be JSON text is replaced; valid characters stay
expect 2 "$RIDGE" num show "$(printf 'a\377\303\251')" --json
jq -e '.error.message == "cannot read \"a\ufffd\u00e9\""' out >/dev/null
if LC_ALL=C grep -q "$(printf '\377')" out; then exit 1; fi
# output that did not arrive is a failure, however long it is
if [ -c /dev/full ]; then
    for command in "--help" "num list" "num show e2m1" "model graph llama-3.1-8b --json"; do
        code=0; "$RIDGE" $command >/dev/full 2>err || code=$?
        [ $code = 1 ] && grep -q stdout err || { echo "exit $code for $command on a full device"; exit 1; }
    done
fi
