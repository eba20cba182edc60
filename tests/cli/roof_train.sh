# ridge roof train: keys, sums, what-if numbers, refusals, memory that does not fit; ridge perf calibrate.
run() { "$RIDGE" roof train "$@" --json >out 2>err </dev/null || { cat out err; exit 1; }; }
holds() { jq -e "$1" out >/dev/null || { echo "not so: $1"; head -c 3000 out; exit 1; }; }
refused() { # refused WORDS ARGUMENTS...
    words=$1; shift
    code=0; "$RIDGE" roof train "$@" >out 2>err </dev/null || code=$?
    [ $code = 2 ] && [ ! -s out ] && grep -qF -- "$words" err || { echo "no \"$words\": $*"; cat out err; exit 1; }
}
megatron="megatron-175b --system dgx-a100 --batch 64 --sequence 2048 --attention unfused --dropout"

run $megatron --layout tp=8,pp=8,vp=3,recompute=selective
holds '.layout == "tp=8,pp=8,vp=3,sp=1,recompute=selective"' # sequence parallelism unless it is switched off
holds '([.parts_s[]] | add) / .seconds - 1 | fabs < 1e-9'
holds '([.operators_s[]] | add) / (.parts_s | .forward + .backward + .recompute) - 1 | fabs < 1e-9'
holds '(.memory | [to_entries[] | select(.key | endswith("_bytes")) | select(.key | IN("total_bytes", "available_bytes") | not) | .value] | add) / .memory.total_bytes - 1 | fabs < 1e-9'
holds '.class == "transferred"' # by constants of no software
wide=$(jq '.hi80_s / .lo80_s' out)
holds '.bound_s > 0 and .bound_s <= .lo80_s and .lo80_s <= .seconds and .seconds <= .hi80_s and .limiter == "linear" and .fits and .advice == null'
holds '.memory.activations_bytes / 12.3515625 / 1073741824 - 1 | fabs < 0.03'  # arXiv 2205.05198
holds '.mfu_square - 0.514 | fabs < 0.03'                                      # its Table 5
fast=$(jq .seconds out)
run $megatron --layout tp=8,pp=8,vp=3,recompute=selective --stack megatron
holds ".class == \"calibrated\" and .hi80_s / .lo80_s < $wide"
run $megatron --layout tp=8,pp=8,vp=3,recompute=selective --set nvlink.bandwidth=x2
holds ".seconds < $fast"
run $megatron --layout tp=8,pp=8,vp=3,sp=0
holds '.layout == "tp=8,pp=8,vp=3" and (.fits | not) and (.advice | test("GB too much, most of it activations; would fit: tp=8"))'

"$RIDGE" roof train $megatron --layout tp=8,pp=8,vp=3,recompute=full >out
grep -q 'MFU' out
grep -q 'activations' out
grep -q 'recompute' out

refused 'expected' llama-3.1-8b --system dgx-h100 --layout tp=3 --batch 8
refused '8 experts' mixtral-8x7b --system dgx-h100 --layout dp=16,ep=16 --batch 16
refused 'a multiple of it' llama-3.1-8b --system dgx-h100 --layout dp=6 --batch 16
refused 'larger system' llama-3.1-8b --system h100 --layout tp=8,dp=2 --batch 16
refused 'llm-foundry' llama-3.1-8b --system h100 --stack torchtitan
refused 'flash1' llama-3.1-8b --system h100 --attention sparse
refused 'w.nothing matches no operator' llama-3.1-8b --system h100 --policy w.nothing=mxfp8
refused 'layout' llama-3.1-8b --system h100 --layout tp=eight

code=0; "$RIDGE" perf calibrate . -o fitted.yaml 2>err || code=$? # no tables: no constants, nothing written
[ $code = 1 ] && grep -q 'none of the tables' err && [ ! -e fitted.yaml ] || { echo "calibrated by nothing"; cat err; exit 1; }

# joules and prices of all chips, under a cap longer
"$RIDGE" roof train llama-3.1-8b --system dgx-h100 --layout dp=8,zero=1 --batch 64 --usd-per-hour 2 --json >out
jq -e '.energy_class == "assumed" and .power_w > 200 and .power_w < 700 and (.power_w * 8 * .seconds / .energy_j - 1 | fabs) < 1e-9 and
       (.usd_per_mtoken / (1e6 * 16 / 3600 / .tokens_per_s) - 1 | fabs) < 1e-9 and (.flop_per_usd / (.model_flop * 3600 / 16 / .seconds) - 1 | fabs) < 1e-9' out >/dev/null ||
    { cat out; exit 1; }
"$RIDGE" roof train llama-3.1-8b --system dgx-h100 --layout dp=8,zero=1 --batch 64 --power-cap 300W --json |
    jq -e ".capped_s > 1.1 * $(jq .seconds out) and .power_w > 200 and .power_w < 300.001" >/dev/null
