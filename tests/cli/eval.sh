# ridge eval run: JSON keys, table, errors.
expect() { # expect CODE COMMAND...: runs it, output in out and err
    want=$1; shift
    code=0; "$@" >out 2>err </dev/null || code=$?
    [ $code = $want ] || { echo "exit $code, expected $want: $*"; cat out err; exit 1; }
}
expect 2 "$RIDGE" eval run
expect 2 "$RIDGE" eval run --model x --text y --policy w=int8 --tokens 0
[ -n "$SHARED" ] || { echo "skipped: shared data absent"; exit 77; }
model=$SHARED/models/stories260k/stories260K.bin
head -c 6000 "$SHARED/text/tinystories-sample/tinystories.txt" >text
gzip -k text
run="$RIDGE eval run --model $model --text text"

expect 0 $run --policy w=mxfp4,a=mxfp8 --policy fp32 --policy kv=e4m3fn --protocol stories-256 --json
[ "$(jq -s length out)" = 1 ]
jq -e '.protocol == "stories-256" and (.policies | length) == 3' out >/dev/null
jq -e --arg h "$(sha256sum "$model" | cut -c1-64)" '.model_sha256 == $h' out >/dev/null
jq -e --arg h "$(sha256sum text | cut -c1-64)" '.text_sha256 == $h' out >/dev/null
for key in policy ppl kld_mean kld_mean_se kld_p99 same_top same_top_se tokens; do
    jq -e --arg k $key '[.policies[] | has($k)] | all' out >/dev/null || { echo "no key $key"; exit 1; }
done
jq -e '.policies[1].kld_mean == 0 and .policies[1].same_top == 1 and .policies[1].is_reference' out >/dev/null
jq -e '.policies[0].kld_mean > .policies[2].kld_mean and .policies[2].kld_mean > 0' out >/dev/null
jq -e '[.policies[].tokens] | unique | length == 1 and .[0] > 0 and .[0] % 128 == 0' out >/dev/null
cp out first

# neither threads, batch, instruction set nor compression of the text change a digit
for more in "--threads 1 --batch 1" "--threads 2 --batch 1000"; do
    expect 0 $run --policy w=mxfp4,a=mxfp8 --policy fp32 --policy kv=e4m3fn --protocol stories-256 --json $more
    cmp out first
done
expect 0 env RIDGE_CPU=scalar $run --policy w=mxfp4,a=mxfp8 --policy fp32 --policy kv=e4m3fn --protocol stories-256 --json
cmp out first
expect 0 "$RIDGE" eval run --model $model --text text.gz --policy w=mxfp4,a=mxfp8 --protocol stories-256 --json
[ "$(jq -c '.policies[0]' out)" = "$(jq -c '.policies[0]' first)" ]

# jitter keeps the fp32 function
expect 0 $run --policy fp32 --protocol stories-256 --jitter 7 --json
jq -e --slurpfile f first '(.policies[0].ppl / $f[0].policies[1].ppl - 1) | fabs < 1e-4' out >/dev/null

# the table names every policy and the default protocol
expect 0 $run --policy w=int4,a=int8 --policy w=fp32 --tokens 700
grep -q 'protocol ridge' out
grep -q 'equal to the reference' out
grep -q 'KLD mean' out

# errors name what is wrong
expect 2 $run --policy w=int99
grep -q int99 err
expect 2 $run --policy w.nonsense=int8
grep -q nonsense err
expect 2 $run --policy w=int8 --protocol harness
grep -q harness err
expect 1 "$RIDGE" eval run --model $model --text no-such-file --policy w=int8
grep -q no-such-file err
: >empty
expect 2 "$RIDGE" eval run --model $model --text empty --policy w=int8
grep -q 'tokens' err
expect 2 env RIDGE_CPU=abacus $run --policy w=int8
grep -q abacus err
expect 2 $run --policy w=int8 --protocol harness --json
jq -e '.error.message' out >/dev/null
