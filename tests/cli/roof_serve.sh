# ridge roof serve: JSON keys, verdicts, the capacity clamp, pools, refusals.
fail() { echo "FAIL: $1"; exit 1; }
fp8="w=e4m3fn(scale=row),a=e4m3fn(scale=row),kv=e4m3fn"
serve="roof serve llama-3.1-70b --system dgx-h200 --layout tp=8 --isl 1024 --osl 1024 --json"

"$RIDGE" $serve --concurrency 64 --policy "$fp8" --engine vllm >out.json
jq -e '.verdict == "ok" and .seconds == .tpot_s and .mfu > 0 and .mfu < 1 and .class == "calibrated" and .reason == null and
       .memory.weights_bytes > 8e9 and .memory.cache_bytes > 1e9 and .memory.available_bytes == 141e9 and
       (([.parts_s[]] | add) / .seconds - 1 | fabs) < 1e-9 and .tpot.bound_s > 0 and .tpot.bound_s < .tpot.lo80_s and .tpot.lo80_s < .seconds and
       .seconds < .tpot.hi80_s and .ttft_s > .prompt_s and .resident_batch == 64 and .chips == 8 and
       (.tokens_per_s * .seconds / 64 - 1 | fabs) < 1e-9 and .tokens_per_s_per_chip * 8 == .tokens_per_s' out.json >/dev/null ||
    fail "$(cat out.json)"
jq -e '.power_w > 130 and .power_w <= 700 and (.tokens_per_j * .power_w * 8 / .tokens_per_s - 1 | fabs) < 1e-9 and .energy_class == "calibrated"' out.json >/dev/null ||
    fail "energy: $(cat out.json)"
rate=$(jq .requests_per_s out.json) most=$(jq .sustainable_requests_per_s out.json)

# the same load as a rate; more than can be answered is a verdict without times, not a number
"$RIDGE" $serve --rate "$(jq -n "$rate * 0.999999")" --policy "$fp8" --engine vllm | jq -e '.resident_batch == 64' >/dev/null || fail "rate"
"$RIDGE" $serve --rate "$(jq -n "$most * 1.1")" --policy "$fp8" --engine vllm >out.json
jq -e ".verdict == \"saturated\" and .seconds == null and .ttft_s == null and .parts_s.linear == null and
       (.sustainable_requests_per_s / $most - 1 | fabs) < 1e-9" out.json >/dev/null || fail "not saturated: $(cat out.json)"

# what is in flight is not what is resident; what does not fit at all
"$RIDGE" roof serve llama-3.1-70b --system h200 --isl 1024 --osl 8192 --concurrency 128 --json \
    --policy "w=e4m3fn(scale=tensor),a=e4m3fn(scale=row),kv=e4m3fn,w.lm_head=e4m3fn(scale=tensor),w.embed=e4m3fn(scale=tensor)" >out.json
jq -e '.resident_batch == 67 and (.reason | startswith("KV does not fit: 178 GB > 141 GB")) and (.tpot.bound_s * 1e3 - 26.2 | fabs) < 0.1' \
    out.json >/dev/null || fail "clamp: $(cat out.json)"
"$RIDGE" roof serve llama-3.1-70b --system h200 --concurrency 1 --json >out.json
jq -e '.verdict == "does not fit" and .seconds == null and (.reason | test("weights do not fit.*tp=2"))' out.json >/dev/null ||
    fail "fits: $(cat out.json)"

"$RIDGE" $serve | jq -e ".resident_batch == 1 and .tpot_s > 0" >/dev/null || fail "one user"
# of experts, what the advice says does fit
"$RIDGE" roof serve deepseek-v3 --system dgx-h200 --layout dp=8,ep=8 --concurrency 8 --json >out.json
jq -e '.reason | test("would fit: ep=16 over")' out.json >/dev/null || fail "experts: $(cat out.json)"
"$RIDGE" roof serve deepseek-v3 --system dgx-h200 --layout dp=16,ep=16 --concurrency 16 --json | jq -e '.verdict == "ok"' >/dev/null || fail "ep=16"

# pools, guesses, rent, a slower link
"$RIDGE" $serve --concurrency 64 --prefill-layout tp=4 | jq -e '.parts_s.prompts == 0 and .chips > 8 and .transfer_s > 0' >/dev/null || fail "pools"
a=$("$RIDGE" $serve --concurrency 8 | jq .seconds)
b=$("$RIDGE" $serve --concurrency 8 --draft 2 --acceptance 0.8 | jq .seconds)
jq -n -e "$b < 0.6 * $a" >/dev/null || fail "guesses: $a $b"
b=$("$RIDGE" $serve --concurrency 8 --set nvlink.bandwidth=x0.05 | jq .seconds)
jq -n -e "$b > $a" >/dev/null || fail "a slower link: $a $b"
for price in "--set cost.rent=2USD/h" "--usd-per-hour 2"; do
    "$RIDGE" $serve --concurrency 8 $price | jq -e '(.usd_per_million_tokens * .tokens_per_s_per_chip * 3600 / 2e6 - 1 | fabs) < 1e-9' >/dev/null ||
        fail "rent: $price"
done
"$RIDGE" roof serve qwen3-32b --system h100 --concurrency 8 | grep -q "time between tokens" || fail "text"

refused() { # refused WORDS ARGUMENTS...
    words=$1
    shift
    if "$RIDGE" "$@" --json >out.json 2>err.txt; then fail "taken: $*"; fi
    jq -r '.error | .message, .where, .expected' out.json | grep -q "$words" || fail "no \"$words\" in $(cat out.json)"
}
refused "tp=3 does not divide" roof serve llama-3.1-70b --system dgx-h100 --layout tp=3 --concurrency 1
refused "a concurrency or a rate" roof serve llama-3.1-70b --system dgx-h100 --concurrency 1 --rate 1
refused "sees both ways" roof serve all-minilm-l6-v2 --system h100
refused "ranks" roof serve llama-3.1-70b --system h100 --layout tp=16 --concurrency 1
refused "a.nothing matches no operator" roof serve llama-3.1-70b --system h100 --concurrency 1 --policy a.nothing=int8
refused "vllm" roof serve llama-3.1-70b --system h100 --concurrency 1 --engine nosuch

# a table of one model has nothing to be scored on
head="backend,model_path,system,precision,mode,isl,osl,moe_quant_mode,batch_size,tp_size,moe_tp_size,moe_ep_size,silicon_ttft_ms,silicon_tpot_ms"
printf '%s\nvllm,Qwen/Qwen3-32B,h100_sxm,fp8,agg,1024,1024,fp8,8,2,1,1,100,12\n' "$head" >one.csv
refused "two models" perf fit one.csv --op serving
