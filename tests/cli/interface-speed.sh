# What scripts rely on of hw, model, roof and perf: keys, exit codes, one JSON object with finite numbers, errors alone on stdout.
fail() { echo "FAIL: $1"; head -c 1500 out; cat err; exit 1; }
run() { # run CODE ARGUMENTS...: one JSON object without NaN or infinities in out
    want=$1; shift
    code=0; "$RIDGE" "$@" --json >out 2>err </dev/null || code=$?
    [ $code = $want ] || fail "exit $code, expected $want: $*"
    jq -se 'length == 1 and (.[0] | type == "object")' out >/dev/null || fail "not one object: $*"
    jq -e '[.. | numbers | . > -1.7e308 and . < 1.7e308] | all' out >/dev/null || fail "not finite: $*"
    ! grep -Eq '[:,[] *-?(nan|inf)' out || fail "NaN or infinity: $*"
}
refused() { # refused CODE ARGUMENTS...: an error object alone, with a message
    run "$@"
    jq -e 'keys == ["error"] and (.error | keys == ["expected", "message", "where"] and (.message | length > 0))' out >/dev/null || fail "no error object: $*"
}
holds() { jq -e "$1" out >/dev/null || fail "not so: $1"; }
has() { for key in "$@"; do holds "has(\"$key\")"; done; }
layout="tp=8,pp=2,dp=2,ep=1,cp=1"

# models
run 0 model show llama-3.1-8b --context 8192
has parameters_total parameters_mtp parameters_vision parameters_active parameters_active_no_embedding weight_bytes kv_bytes_per_token state_bytes_per_sequence prefill_flop_per_token decode_flop_per_token
holds '.parameters_total == 8030261248 and .kv_bytes_per_token == 131072'
cat >config.json <<END
{"model_type": "llama", "vocab_size": 1000, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4, "rms_norm_eps": 1e-05}
END
run 0 model import config.json
holds '.unknown_fields == [] and .parameters_total > 0 and has("decode_flop_per_token")'
jq '.frobnicate = 3' config.json >unknown.json
run 1 model import unknown.json
holds '.unknown_fields == ["frobnicate"] and .parameters_total > 0'
refused 1 model show unknown.json
run 0 model graph config.json
run 0 model kv llama-3.1-8b --at 128k
run 0 model diff config.json llama-3.1-8b

# chips
run 0 hw list
holds '.chips | length > 30'
run 0 hw show h100
run 0 hw lint
holds '.unexplained == 0'

# one pass on a chip
for phase in prefill decode; do
    run 0 roof explain llama-3.1-8b h100 --phase $phase --batch 4 --context 2k --policy w=e4m3fn,a=e4m3fn --set h100.hbm.bandwidth=x1.3
    holds '[.operators[] | has("name") and has("flop") and has("bytes") and has("bound_s") and has("limiter") and has("estimate_s") and has("lo80_s") and has("hi80_s") and has("regime") and has("class")] | all'
    holds '.total | .bound_s > 0 and .limiter != null and .bound_s <= .lo80_s and .lo80_s <= .estimate_s and .estimate_s <= .hi80_s and .regime != null and (.class | IN("calibrated", "transferred"))'
    holds '.fits == true and .memory_bytes > 0'
done
run 0 roof explain llama-3.1-405b h100 --phase decode
holds '.fits == false'

# phases on a system
for phase in "prefill llama-3.1-70b --batch 4" "decode llama-3.1-70b --batch 8" "train llama-3.1-70b --batch 8"; do
    run 0 roof ${phase} --system dgx-h100 --layout $layout
    has seconds mfu memory limiter
    holds '.seconds > 0 and .mfu > 0 and .mfu < 1 and (.limiter | type == "string") and (.memory | type == "object" and .weights_bytes > 0 and .total_bytes > 0)'
done
run 0 roof serve llama-3.1-70b --system dgx-h100 --layout $layout --concurrency 8
holds '.seconds > 0 and .mfu > 0 and .mfu < 1 and (.limiter | type == "string") and .memory.weights_bytes > 0 and .memory.cache_bytes > 0'
run 0 roof train llama-3.1-405b --system dgx-h100 --layout "tp=8,pp=16,dp=64,ep=1,cp=1" --batch 2048 --sequence 8k
holds '.chips == 8192 and .memory.gradients_bytes > 0 and .memory.optimizer_bytes > 0 and .memory.activations_bytes > 0'

# sweeps
printf 'phase: decode\nmodel: llama-3.1-8b\nsystem: [h100, h200]\nbatch: [1, 8, 64]\n' >sweep.yaml
run 0 roof sweep sweep.yaml
holds '.configurations == 6 and .configurations_per_s > 0 and (.pareto | length > 0)'

# tables
printf 'gemm_dtype,m,n,k,latency_ms\nbfloat16,64,4096,4096,0.0150\n' >table.csv
"$RIDGE" perf predict --chip h100 --op gemm --measured latency_ms <table.csv >out 2>err || fail predict
head -1 out | grep -q '^gemm_dtype,m,n,k,latency_ms,bound_s,estimate_s,lo80_s,hi80_s,regime,class,error_pct' || fail "columns"

# refusals: usage is 2, a file that is not what it should be 1
refused 2 roof explain llama-3.1-8b h1000 --phase decode
refused 2 roof explain llama-3.1-8b h100 --phase decode --policy w.nothing=int4
refused 2 roof decode llama-3.1-70b --system dgx-h100 --layout tp=3
refused 2 roof decode mixtral-8x7b --system dgx-h100 --layout dp=16,ep=16 --batch 16
refused 2 roof train llama-3.1-70b --system dgx-h100 --layout tp=8 --sequence 0
refused 2 roof serve llama-3.1-70b --system dgx-h100 --layout tp=8 --concurrency nan
refused 2 hw show nothing
: >empty
head -c 20000 "$RIDGE" >binary
mkdir folder
for file in empty binary absent folder; do
    refused 1 model import $file
    refused 1 roof sweep $file
    refused 1 perf fit $file --chip h100 --op gemm -o written.yaml
    refused 1 perf lint $file
    refused 1 perf score $file
    refused 1 perf calibrate $file -o written.yaml
    [ ! -e written.yaml ] || fail "half a file"
done
