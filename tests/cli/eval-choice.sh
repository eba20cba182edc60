# ridge eval choice: JSON keys, table, errors.
expect() { # expect CODE COMMAND...: runs it, output in out and err
    want=$1; shift
    code=0; "$@" >out 2>err </dev/null || code=$?
    [ $code = $want ] || { echo "exit $code, expected $want: $*"; cat out err; exit 1; }
}
expect 2 "$RIDGE" eval choice
[ -n "$SHARED" ] || { echo "skipped: shared data absent"; exit 77; }
model=$SHARED/models/stories260k/stories260K.bin sets=$SHARED/text/zero-shot
run="$RIDGE eval choice --model $model"

expect 0 $run --set "$sets/copa.jsonl" --policy w=mxfp4 --policy fp32 --policy w=int2 --limit 50 --json --threads 2
[ "$(jq -s length out)" = 1 ]
jq -e --arg h "$(sha256sum "$sets/copa.jsonl" | cut -c1-64)" '.set_sha256 == $h' out >/dev/null
jq -e --arg h "$(sha256sum "$model" | cut -c1-64)" '.model_sha256 == $h' out >/dev/null
jq -e '.n == 50 and .n_set == 100 and .kind == "choice" and .chance == 0.5 and .norm == "byte"' out >/dev/null
for key in policy accuracy accuracy_norm wilson_lo wilson_hi flips mcnemar_p verdict detectable; do
    jq -e --arg k $key '[.policies[], .reference | .[$k]] | all(. != null)' out >/dev/null || { echo "no key $key"; exit 1; }
done
jq -e '.policies | length == 3' out >/dev/null
jq -e '.policies[1] | .is_reference and .flips == 0 and .mcnemar_p == 1 and .verdict == "equal"' out >/dev/null
jq -e '[.reference, .policies[]] | all(.wilson_lo <= .accuracy and .accuracy <= .wilson_hi)' out >/dev/null
jq -e '.reference as $r | .policies | all((.flips_to_right - .flips_to_wrong) / 50 - (.accuracy - $r.accuracy) | fabs < 1e-12)' out >/dev/null
jq -e '.policies[2].gold_delta < .policies[0].gold_delta' out >/dev/null
cp out first
expect 0 $run --set "$sets/copa.jsonl" --policy w=mxfp4 --policy fp32 --policy w=int2 --limit 50 --json --threads 1 --batch 500
cmp out first

# every form; limits; what the table says
for set in winograd_wsc lambada_openai boolq; do
    expect 0 $run --set "$sets/$set.jsonl" --policy w=int4 --limit 6 --json --threads 1
    jq -e '.n == 6 and .n_set > 200' out >/dev/null
done
jq -e '.n_truncated >= 0' out >/dev/null
expect 0 $run --set "$sets/lambada_openai.jsonl" --policy w=int4 --limit 3
grep -q perplexity out
expect 0 $run --set "$sets/copa.jsonl" --policy w=int8 --policy kv=fp32 --limit 5
grep -q 'w=int8: cannot tell. 5 items show a difference of' out
grep -q 'kv=fp32: equal to the reference' out
gzip -c "$sets/copa.jsonl" >copa.jsonl.gz
expect 0 $run --set copa.jsonl.gz --policy w=mxfp4 --limit 50 --json
[ "$(jq -c '.policies[0]' out)" = "$(jq -c '.policies[0]' first)" ]

# errors name what is wrong
printf '%s\n' '{"query": "a", "choices": ["b", "c"], "gold": 0}' '{"query": "a", "choices": ["b", "c"], "gold": 5}' >bad.jsonl
expect 1 $run --set bad.jsonl --policy w=int8 --json
jq -e '.error.where == "bad.jsonl:2" and (.error.message | test("gold")) and (.error.expected | test("0 to 1"))' out >/dev/null
expect 1 $run --set no-such-file --policy w=int8
grep -q no-such-file err
expect 2 $run --set "$sets/copa.jsonl" --policy w.nonsense=int8
grep -q nonsense err
expect 2 $run --set "$sets/copa.jsonl" --policy w=int8 --norm word
grep -q word err

# Ctrl-C a second into the forward passes: the items done, and exit code 1
head -n 1500 $sets/boolq.jsonl >long.jsonl
"$RIDGE" eval choice --model $model --set long.jsonl --policy w=int8 --batch 512 --threads 1 --json --progress >out 2>err & pid=$!
for i in $(seq 600); do grep -q 'forward passes' err && break; sleep 0.1; done
sleep 1; kill -INT $pid
code=0; wait $pid || code=$?
[ $code = 1 ] || { echo "exit $code after Ctrl-C"; cat out err; exit 1; }
jq -e '.interrupted and .n > 0 and .n < .n_set' out >/dev/null
