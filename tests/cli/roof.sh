# ridge roof explain: keys, sums, paths, what-if numbers, refusals.
expect() { # expect CODE ARGUMENTS...: output in out and err
    want=$1; shift
    code=0; "$RIDGE" roof explain "$@" >out 2>err </dev/null || code=$?
    [ $code = $want ] || { echo "exit $code, expected $want: $*"; cat out err; exit 1; }
}
failed() { # failed CODE WORDS ARGUMENTS...
    want=$1 words=$2; shift 2
    expect $want "$@"
    [ ! -s out ] && [ "$(wc -l <err)" = 1 ] && grep -qF -- "$words" err || { echo "no \"$words\": $*"; cat out err; exit 1; }
    expect $want "$@" --json
    [ "$(jq -s length out)" = 1 ]
    jq -e 'keys == ["error"] and .error.message != ""' out >/dev/null
}
holds() { jq -e "$1" out >/dev/null || { echo "not so: $1"; head -c 2000 out; exit 1; }; }
decode="--phase decode --batch 32 --context 8192"

expect 0 llama-3.1-8b h100 $decode --json
holds '[.operators[] | has("name") and has("flop") and has("bytes") and has("bound_s") and has("limiter")] | all'
holds '(([.operators[].bound_s] | add) / .total.bound_s - 1 | fabs) < 1e-12'
holds '.total.limiter == "memory" and .fits == true and .memory_bytes == 2 * 8030261248 + 32 * 8192 * 131072'
holds '((2 * (8030261248 - 128256 * 4096) + 32 * 8192 * 131072) / 3.35e12 / .total.bound_s - 1 | fabs) < 1e-3'
holds '.total.tokens_per_s * .total.bound_s - 32 | fabs < 1e-9'
cp out plain.json
# estimates: of each operator and in total, within their interval, never below the bound
holds '[.operators[], .total | .lo80_s <= .estimate_s and .estimate_s <= .hi80_s and .estimate_s >= .bound_s and .regime != null and (.class | IN("calibrated", "transferred"))] | all'
holds '(([.operators[].estimate_s] | add) / .total.estimate_s - 1 | fabs) < 1e-12 and .total.class == "calibrated" and .total.estimate_s < 1.6 * .total.bound_s'
expect 0 llama-3.1-8b mi300x $decode --json
holds '.total.class == "transferred" and .total.hi80_s / .total.lo80_s > 1.3'
cp plain.json out
expect 0 llama-3.1-8b h100-sxm $decode --policy w=bf16,a=bf16,kv=bf16 --json
holds ".total == $(jq -c .total plain.json)"
expect 0 llama-3.1-8b h100 $decode --set memory.bandwidth=x2 --json
holds ".total.bound_s < $(jq .total.bound_s plain.json) and .set == [\"memory.bandwidth=x2\"]"

path_of() { # path_of CHIP POLICY [SET]: how the projections of the blocks run
    "$RIDGE" roof explain llama-3.1-8b $1 --phase prefill --policy "$2" ${3:+--set "$3"} --json |
        jq -r '.operators[] | select(.name == "mlp.up_proj") | "\(.path) \(.runs_as) \(.limiter)"'
}
[ "$(path_of h100 w=e4m3fn,a=e4m3fn)" = 'native fp8 compute:fp8' ]
[ "$(path_of a100 w=e4m3fn,a=e4m3fn)" = 'dequantised bf16 compute:bf16' ]
[ "$(path_of b200 w=nvfp4,a=nvfp4)" = 'native fp4 compute:fp4' ]
[ "$(path_of h100 w=nvfp4,a=nvfp4)" = 'dequantised bf16 compute:bf16' ]
[ "$(path_of h100 w=nvfp4,a=nvfp4 'fp4=4 PFLOP/s')" = 'hypothetical fp4 compute:fp4' ]

expect 0 llama-3.1-70b h100 --phase decode --json
holds '.fits == false and .max_batch == 0'
expect 0 llama-3.1-8b h100 $decode --policy 'w=mxfp4,a=mxfp8,w.lm_head=int8,kv=e4m3fn(scale=tensor)'
grep -q '^mlp.down_proj .*mxfp4 x mxfp8 .*bf16, dequantised .* memory  ' out
grep -q '^dequantised: mxfp4 x mxfp8 runs as bf16: ' out
grep -q '^bound .* token/s at best, limited by memory (3.35 TB/s)$' out
grep -q '^memory .* of 80 GB: fits; ' out
expect 0 llama-2-7b h100 --phase decode --context 8192
grep -q "beyond the model's 4096 positions" out
expect 0 llama-3.1-8b wse3 --phase decode
grep -q '^Note: .*sparsity' out

# elasticities: the bound's parts add up to what 1 % of everything saves; what the pass does not use is free
expect 0 deepseek-v3 b200 --phase prefill --context 2048 --policy w=nvfp4,a=nvfp4 --json
holds '([.elasticities[].bound] | add / (1 - 1 / 1.01) * 0.01 - 1 | fabs) < 0.01'
holds '.elasticities | map({(.parameter): .estimate}) | add | .["memory.bandwidth"] > 0.3 and .["rates.fp4"] > 0.05 and .launch > 0 and .["rates.fp8"] == 0'
expect 0 llama-3.1-8b wse3 --phase decode --json # not all numbers published: no estimate of the matrices
holds '.elasticities | length > 1'
expect 0 llama-3.1-8b h100 $decode
grep -q '^memory.bandwidth  *0.99 %  *0.[5-9]. %$' out
grep -q '^buys nothing: .*rates.fp8' out

# energy: operators add up to the total, a cap stretches time and saves no power above it, prices scale
expect 0 llama-3.1-8b h200 $decode --usd-per-hour 3.6 --json
holds '(([.operators[].energy_j] | add) / .total.energy_j - 1 | fabs) < 1e-9'
holds '.total | 0 < .energy_lo80_j and .energy_lo80_j < .energy_j and .energy_j < .energy_hi80_j and .power_w > 200 and .power_w < 700 and .capped_s == .estimate_s and .power_cap_w == null'
holds '.total | (.tokens_per_j * .energy_j - 32 | fabs) < 1e-9 and (.usd_per_mtoken - 1e3 * .estimate_s / 32 | fabs) < 1e-9'
holds '.operators[] | select(.name == "mlp.up_proj") | .energy_class == "calibrated"'
cp out plain.json
expect 0 llama-3.1-8b h200 $decode --power-cap 300W --json
holds ".total | .power_w > 200 and .power_w <= 300.001 and .power_cap_w == 300 and .capped_s > 1.2 * $(jq .total.estimate_s plain.json) and .energy_j > $(jq .total.energy_j plain.json)"
expect 0 llama-3.1-8b mi300x $decode --json
holds '.total.energy_class == "assumed"'
expect 0 llama-3.1-8b h100 $decode --power-cap 400W
grep -q '^energy .* J, 80 % between .* token/J; board power .* W; transferred$' out
grep -q '^cap  *400 W: estimate ' out
grep -q '^cost .* USD per million tokens at 10.8 USD/h; ' out
failed 2 'idle power' llama-3.1-8b h100 $decode --power-cap 90W
failed 1 'not in W' llama-3.1-8b h100 $decode --power-cap 90GB

# the page: one file, its charts are JSON, times and formulas are those of the answer; without plotly it says so
printf 'Plotly = {}' >plotly.js
expect 0 llama-3.1-8b h200 $decode -o page.html --plotly plotly.js --json
figure() { # figure NAME: its JSON
    awk -v id="id=\"figure-$1\">" '{ at = index($0, id); if (at) { on = 1; $0 = substr($0, at + length(id)) }
        if (on && (end = index($0, "</script>"))) { print substr($0, 1, end - 1); exit } if (on) print }' page.html
}
for name in time roofline elasticities; do
    figure $name | jq -e '.data | length > 1' >/dev/null || { echo "no figure $name"; exit 1; }
done
figure time | jq -e --slurpfile a out '([.data[].x[]] | add) / ($a[0].total.estimate_s * 1e3) - 1 | fabs < 1e-4' >/dev/null
tr -d '\302\240' <page.html | grep -q '34.36GB/4.8TB/s=7.158ms' || { echo "no formula of the KV cache"; exit 1; }
if grep -Eq '(src|href)="https?:' page.html; then echo 'the page loads from elsewhere'; exit 1; fi
expect 0 llama-3.1-8b mi300x --phase prefill -o page.html --plotly absent.js
grep -q 'Not drawn' page.html
failed 1 /absent/ llama-3.1-8b h100 $decode -o /absent/page.html

failed 2 'w.nothing matches no operator' llama-3.1-8b h100 $decode --policy w=int8,w.nothing=int4
failed 2 'int99' llama-3.1-8b h100 $decode --policy w=int99
failed 2 '--phase' llama-3.1-8b h100 --phase train
failed 2 'option --phase is needed' llama-3.1-8b h100
failed 2 '--batch' llama-3.1-8b h100 --phase decode --batch 0
failed 2 '128k' llama-3.1-8b h100 --phase decode --context x
expect 0 llama-3.1-8b h100 --phase decode --context 32k --json
holds '.context == 32768'
failed 2 'unknown chip "h1000"' llama-3.1-8b h1000 --phase decode
failed 2 'no model is called "llama-9"' llama-9 h100 --phase decode
failed 2 'as in "80 GB" or' llama-3.1-8b h100 --phase decode --set memory.capacity=80
failed 2 'unknown number in "x=1"' llama-3.1-8b h100 --phase decode --set x=1
mkdir -p own/chips && cp -r "$SRC/data/families" "$SRC/data/models" own
grep -v '^  bandwidth: {value: 3.35' "$SRC/data/chips/h100-sxm.yaml" >own/chips/h100-sxm.yaml
failed 1 'h100-sxm: memory.bandwidth is not published' llama-3.1-8b h100 --phase decode --data own
