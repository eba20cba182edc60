# ridge eval needle: JSON keys, determinism, errors.
expect() { # expect CODE COMMAND...: runs it, output in out and err
    want=$1; shift
    code=0; "$@" >out 2>err </dev/null || code=$?
    [ $code = $want ] || { echo "exit $code, expected $want: $*"; cat out err; exit 1; }
}
expect 2 "$RIDGE" eval needle
[ -n "$SHARED" ] || { echo "skipped: shared data absent"; exit 77; }
model=$SHARED/models/stories260k/stories260K.bin
run="$RIDGE eval needle --model $model --text $SHARED/text/tinystories-sample/tinystories.txt"
expect 0 $run --policy kv=int4 --policy kv=fp32 --context 128 --depths 3 --json --threads 1
[ "$(jq -s length out)" = 1 ]
jq -e '.trials == 8 and .depths == 3 and .context == 128 and .longest <= 128 and (.policies | length) == 2' out >/dev/null
jq -e '.policies[0] | .delta_nll_lo < .delta_nll and .delta_nll < .delta_nll_hi' out >/dev/null
jq -e '[.policies[0].by_depth[].depth] == [0, 0.5, 1]' out >/dev/null
jq -e '.policies[1] | .is_reference and .verdict == "equal" and .delta_nll == 0' out >/dev/null
jq -e '[.reference, .policies[]] | all(has("exact") and has("loglik") and has("mcnemar_p_exact"))' out >/dev/null
cp out first
expect 0 $run --policy kv=int4 --policy kv=fp32 --context 128 --depths 3 --json --threads 2 --batch 1500
cmp out first
expect 0 $run --policy kv=int4 --policy kv=fp32 --context 128 --depths 3 --json --seed 2 --threads 1
if cmp -s out first; then echo "another seed, the same trials"; exit 1; fi
expect 0 $run --policy kv=int4 --context 128 --depths 1 --trials 2 --threads 1
grep -q 'so few trials give no interval' out
grep -q 'fp32 itself finds' out
expect 2 $run --policy kv=int4 --context 100000
grep -q 'positions' err
printf 'Too short.\n' >short
expect 2 "$RIDGE" eval needle --model "$model" --text short --policy kv=int4
grep -q 'the text has' err
expect 2 $run --policy q.nonsense=int4
