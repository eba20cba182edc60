# ridge eval embed: JSON keys, table, errors.
expect() { # expect CODE COMMAND...: runs it, output in out and err
    want=$1; shift
    code=0; "$@" >out 2>err </dev/null || code=$?
    [ $code = $want ] || { echo "exit $code, expected $want: $*"; cat out err; exit 1; }
}
expect 2 "$RIDGE" eval embed
expect 0 "$RIDGE" eval embed --help
grep -q 'nearest changed' out
printf 'one\ntwo\n' >text
if [ -n "$SHARED" ]; then # a model that writes text embeds nothing
    expect 1 "$RIDGE" eval embed --model "$SHARED/models/stories260k/stories260K.bin" --text text --policy w=int8
    grep -q 'without a language-model head' err
fi
model=${RIDGE_ENCODER_MODEL:-${XDG_CACHE_HOME:-$HOME/.cache}/ridge/all-MiniLM-L6-v2}
[ -r "$model/model.safetensors" ] || { echo "skipped: the sentence encoder is absent"; exit 77; }
run="$RIDGE eval embed --model $model"
cat >text <<'TEXT'
The cat sits on the mat.
A feline rests upon a rug.

What is the capital of France?
Paris is the capital city of France.
TEXT
expect 0 $run --text text --policy w=mxfp4,a=mxfp4 --policy kv=fp32 --json
[ "$(jq -s length out)" = 1 ]
jq -e --arg h "$(sha256sum text | cut -c1-64)" '.text_sha256 == $h and .n == 4 and .k == 3 and .pooling == "mean"' out >/dev/null
for key in policy cosine_mean cosine_mean_se cosine_min cosine_min_line top1_changed top1_changed_lo top1_changed_hi topk_changed kendall_tau; do
    jq -e --arg k $key '[.policies[] | .[$k]] | all(. != null)' out >/dev/null || { echo "no key $key"; exit 1; }
done
jq -e '.policies[0] | .cosine_mean < 0.99 and .cosine_mean > 0.8 and .cosine_min <= .cosine_mean and .cosine_min_line != 3' out >/dev/null
jq -e '.policies[1] | .is_reference and .cosine_mean == 1 and .kendall_tau == 1 and .top1_changed == 0' out >/dev/null
cp out first
expect 0 $run --text text --policy w=mxfp4,a=mxfp4 --policy kv=fp32 --json --threads 1 --batch 10
cmp out first
expect 0 $run --text text --policy w=int8 --policy kv=fp32 --limit 3
grep -q '3 of 3 sentences, mean pooling' out
grep -q 'kv=fp32 .* equal to the reference' out
expect 0 $run --text text --policy w=int8 --limit 1 --json
jq -e '.policies[0] | .top1_changed == null and .kendall_tau == null and .cosine_min > 0.9' out >/dev/null
: >empty
expect 2 $run --text empty --policy w=int8
grep -q 'no sentences' err
expect 2 $run --text text --policy w.no_such=int8
grep -q no_such err
