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
for key in policy ppl kld_mean kld_mean_se kld_p99 same_top same_top_se tokens bits_per_byte kld_median kld_p90 kld_max \
    kld_reverse verdict kld_mean_lo kld_mean_hi same_top_lo same_top_hi delta_nll delta_nll_lo delta_nll_hi detectable_nll \
    tokens_needed delta_p_mean delta_p_rms delta_p_p01 delta_p_p50 delta_p_p99; do
    jq -e --arg k $key '[.policies[] | has($k)] | all' out >/dev/null || { echo "no key $key"; exit 1; }
done
jq -e '.policies[1].kld_mean == 0 and .policies[1].same_top == 1 and .policies[1].is_reference' out >/dev/null
jq -e '.policies[0].kld_mean > .policies[2].kld_mean and .policies[2].kld_mean > 0' out >/dev/null
jq -e '[.policies[].tokens] | unique | length == 1 and .[0] > 0 and .[0] % 128 == 0' out >/dev/null
jq -e '.complete and (.stopped_early | not) and .unit == "window" and .units == 10' out >/dev/null
jq -e '.policies[0].verdict == "worse" and .policies[1].verdict == "equal"' out >/dev/null
jq -e '.policies[0] | .delta_nll_lo < .delta_nll and .delta_nll < .delta_nll_hi and .kld_median < .kld_p90 and .kld_p90 < .kld_max' out >/dev/null
jq -e '(.policies[0].ppl / .reference.ppl | log) - .policies[0].delta_nll | fabs < 1e-9' out >/dev/null
jq -e '(.pairs | length) == 3 and (.pairs[1] | .a == "w=mxfp4,a=mxfp8" and .b == "kv=e4m3fn" and .verdict == "worse")' out >/dev/null
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

# a candidate that is the reference is no failure; one without a visible effect says how much text would tell
expect 0 $run --policy fp32 --protocol stories-256
grep -q 'equal to the reference' out
expect 0 $run --policy w=int8 --policy w=int4 --protocol stories-256 --pairs
grep -q 'w=int8 .* cannot tell .*e+0' out
grep -q 'w=int8 .* w=int4 .* better' out

# stopping when sure: fewer tokens, same verdict; a tolerance
head -c 20000 "$SHARED/text/tinystories-sample/tinystories.txt" >more
expect 0 "$RIDGE" eval run --model $model --text more --policy w=int2 --protocol stories-256 --stop-when-sure --json
jq -e '.stopped_early and .tokens == 2560 and .tokens < .tokens_planned and .policies[0].verdict == "worse"' out >/dev/null
expect 0 $run --policy w=int8 --protocol stories-256 --tolerance 0.1 --json
jq -e '.policies[0].verdict == "within tolerance" and .tolerance_nats == 0.1' out >/dev/null
expect 2 $run --policy w=int8 --tolerance -1
expect 2 $run --policy w=int8 --confidence 1.5

# protocols of other tools
expect 0 $run --policy w=int4 --protocol harness-word --json
jq -e '.protocol == "harness-word" and .reference.ppl > .reference.token_ppl and .reference.byte_ppl > 1' out >/dev/null
expect 0 $run --policy w=int4 --protocol harness-word
grep -q 'word perplexity' out
expect 1 $run --policy w=int8 --protocol gptq-2048
grep -q 'gptq-2048.*the model has 512 positions.*2048 positions' err
head -c 100 text >short
expect 2 "$RIDGE" eval run --model $model --text short --policy w=int8 --protocol stories-256
grep -q 'at least 255 tokens' err
printf a >short
expect 2 "$RIDGE" eval run --model $model --text short --policy w=int8
grep -q 'at least 2 tokens' err
: >short
expect 2 "$RIDGE" eval run --model $model --text short --policy w=int8 --protocol harness-word
grep -q 'at least one whole page' err

# inside the model: a table, JSON, and a file whose digests change where the policy does
one="--protocol stories-256 --tokens 600"
expect 0 $run --policy w.layers.2.mlp.up_proj=int4 --policy a=int8 $one --layers
grep -q '^layers.2.mlp.up_proj .*[0-9]' out
grep -q 'P2  a=int8' out
expect 0 $run --policy w.layers.2.mlp.up_proj=int4 $one --dump a.json
expect 0 $run --policy fp32 $one --dump b.json --json --batch 256 --threads 1
jq -e '.ridge_dump == 1 and .protocol == "stories-256" and .policy == "w.layers.2.mlp.up_proj=int4" and .tokens == 512' a.json >/dev/null
jq -e '.nodes[] | select(.name == "layers.2.mlp.up_proj") | .sqnr_free_db == .sqnr_forced_db and .sqnr_free_db > 5' a.json >/dev/null
jq -e '[.nodes[] | .amax >= .rms and .rms > 0 and .rows == 512] | all' b.json >/dev/null
expect 0 "$RIDGE" eval compare-dump b.json a.json
grep -q 'first difference: layers.2.mlp.up_proj' out
expect 2 $run --policy w=int4 --policy a=int8 $one --dump c.json
grep -q 'dump.*one --policy' err
cp text spared
expect 2 "$RIDGE" eval run --model $model --text spared --policy w=int4 $one --dump ./spared
grep -q 'would be overwritten' err
cmp text spared
expect 0 $run --policy a=int8 --protocol stories-256 --tokens 600 --layers --json
jq -e '.nodes[0] | .name == "embed" and .layer == null and .kurtosis > 1 and .policies[0].sqnr_free_db == null' out >/dev/null

# Ctrl-C a second into the forward passes prints what is known
for i in 1 2 3 4 5 6 7 8; do cat "$SHARED/text/tinystories-sample/tinystories.txt"; done >long
"$RIDGE" eval run --model $model --text long --policy w=int4 --protocol stories-256 --batch 256 --threads 1 --json --progress >out 2>err & pid=$!
for i in $(seq 600); do grep -q 'forward passes' err && break; sleep 0.1; done
sleep 1; kill -INT $pid
code=0; wait $pid || code=$?
[ $code = 1 ] || { echo "exit $code after Ctrl-C"; cat out err; exit 1; }
jq -e '(.complete | not) and .tokens > 0 and .tokens < .tokens_planned and .policies[0].verdict' out >/dev/null
grep -q interrupted err

# errors name what is wrong
expect 2 $run --policy w=int99
grep -q int99 err
expect 2 $run --policy ""
grep -q 'empty policy' err
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
