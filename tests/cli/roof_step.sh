# ridge roof prefill, ridge roof decode: JSON keys, parts that add up, what-ifs, refusals.
fail() { echo "FAIL: $1"; exit 1; }

for phase in prefill decode; do
    "$RIDGE" roof $phase llama-3.1-70b --system dgx-h100 --layout "tp=8,pp=1,dp=2,ep=1,cp=1" --batch 8 --json >out.json
    jq -e '.seconds > 0 and .mfu > 0 and .mfu < 1 and (.limiter | test("memory|compute|network")) and .chips == 16 and
           .memory.weights_bytes > 1.7e10 and .memory.kv_bytes > 0 and .fits and .layout == "tp=8,dp=2" and
           (([.parts_s[]] | add) / .seconds - 1 | fabs) < 1e-9 and .bound_s > 0 and .bound_s <= .seconds and .lo80_s > 0 and .lo80_s <= .seconds and
           .seconds <= .hi80_s' out.json >/dev/null || fail "$phase: $(cat out.json)"
done
decode="roof decode llama-3.1-70b --system dgx-h100 --batch 8 --json"
a=$("$RIDGE" $decode --layout tp=8 | jq .parts_s.tp)
b=$("$RIDGE" $decode --layout tp=8 --set nvlink.bandwidth=x0.1 | jq .parts_s.tp)
jq -n -e "$b > $a" >/dev/null || fail "a slower link is no slower: $a $b"
a=$("$RIDGE" $decode --layout tp=8 | jq .bound_s)
b=$("$RIDGE" $decode --layout tp=8 --set h100.memory.bandwidth=x2 | jq .bound_s)
jq -n -e "$b < 0.7 * $a" >/dev/null || fail "twice the bandwidth: $a $b"

# joules and prices: of all chips; on one chip those of roof explain, but for vector work; under a cap longer
"$RIDGE" $decode --layout tp=8 --usd-per-hour 2 >out.json
jq -e '.energy_j > 8 * 100 * .seconds and .energy_j < 8 * 700 * .seconds and .energy_lo80_j > 0 and .energy_lo80_j < .energy_j and .energy_j < .energy_hi80_j and
       (.power_w * 8 * .seconds / .energy_j - 1 | fabs) < 1e-9 and (.tokens_per_j * .energy_j - 8 | fabs) < 1e-9 and
       (.usd_per_mtoken / (1e6 * 8 * 2 / 3600 * .seconds / 8) - 1 | fabs) < 1e-9 and .energy_class == "transferred"' out.json >/dev/null ||
    fail "energy: $(cat out.json)"
"$RIDGE" $decode --layout tp=8 --power-cap 250W | jq -e ".capped_s > $(jq .seconds out.json) and .power_w > 150 and .power_w < 250.001" >/dev/null || fail "no cap"
one="llama-3.1-8b --batch 16 --context 2048 --json"
a=$("$RIDGE" roof decode $one --system h100 | jq .energy_j)
b=$("$RIDGE" roof explain $one h100 --phase decode | jq .total.energy_j)
jq -n -e "($a / $b - 1 | fabs) < 0.02" >/dev/null || fail "energy of one chip: $a $b"

refused() { # refused WORDS ARGUMENTS...
    words=$1
    shift
    if "$RIDGE" "$@" --json >out.json 2>err.txt; then fail "taken: $*"; fi
    jq -r '.error | .message, .where, .expected' out.json | grep -q "$words" || fail "no \"$words\" in $(cat out.json)"
}
refused "tp=3 does not divide" roof decode llama-3.1-70b --system dgx-h100 --layout tp=3
refused "xp=2" roof decode llama-3.1-70b --system dgx-h100 --layout xp=2
refused "w.nothing matches no operator" roof decode llama-3.1-70b --system dgx-h100 --policy w=int8,w.nothing=int4
refused "nowhere" roof decode llama-3.1-70b --system nowhere
refused "12 or 16" roof decode llama-3.1-70b --system dgx-h100 --layout tp=1,dp=4 --batch 14
"$RIDGE" roof decode llama-3.1-405b --system dgx-h100 --layout tp=8 | grep -q "weights do not fit: .* too much; 2 times tp x pp would" ||
    fail "no advice"
