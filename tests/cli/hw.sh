# ridge hw: list, show and lint as tables and JSON; names, what-if numbers, refusals.
expect() { # expect CODE ARGUMENTS...: output in out and err
    want=$1; shift
    code=0; "$RIDGE" "$@" >out 2>err </dev/null || code=$?
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

expect 0 hw list --json
holds '(.chips | length) >= 34 and ([.chips[].id] | length == (unique | length))'
holds '.chips[] | select(.id == "h100-sxm") | .aliases == ["h100"] and .memory_bytes == 80e9 and .rates_flop_per_s.bf16 == 989.4e12'
expect 0 hw list
grep -q '^h100-sxm  *h100  *2022 ' out
expect 0 hw show h100 --json
holds '.id == "h100-sxm" and (.ridge_point_flop_per_byte.bf16 * 3.35e12 - 989.4e12 | fabs) < 1e6'
holds '[.numbers[] | .source != "" and .value > 0 and .unit != ""] | all'
holds '[.paths[] | .kind | IN("native", "dequantised", "hypothetical")] | all'
cp out h100.json
expect 0 hw show h100-sxm --json
cmp out h100.json
expect 0 hw show h100
grep -q '^memory.bandwidth  *3.35 TB/s ' out
expect 0 hw show b200 --set memory.bandwidth=x2 --set 'power.tdp=1.2 kW' --json
holds '.memory_bytes_per_s == 15.4e12 and (.numbers[] | select(.path == "power.tdp") | .value == 1200 and (.source | test("set by hand")))'
for id in $("$RIDGE" hw list --json | jq -r '.chips[].id'); do
    expect 0 hw show $id --json
    [ "$(jq -s length out)" = 1 ]
done
expect 0 hw lint --json
holds '.unexplained == 0 and (.topics | length) == 10 and ([.conflicts[].topic] | unique) == .topics'
expect 0 hw lint
grep -q ' 0 of them unexplained; 10 topics' out

failed 2 'unknown chip, system, link or technology "h1000"' hw show h1000
failed 2 'unknown number' hw show h100 --set memory.speed=1
failed 2 'is in byte, not in byte/s' hw show h100 --set 'memory.bandwidth=4 TB'
failed 2 'nothing to scale' hw show h100 --set fp4=x2

# systems and links
expect 0 hw list --json
holds '(.systems | length) >= 18 and (.links | length) >= 30 and ([.links[].id] | length == (unique | length))'
expect 0 hw show selene --json
holds '.id == "dgx-a100" and .chip == "a100-sxm-80" and .levels[0].bytes_per_s.value == 300e9 and .levels[1].chips == 16000'
holds '[.levels[] | .latency_s, .start_s, .efficiency | .lo <= .value and .value <= .hi and .source != ""] | all'
expect 0 hw show dgx-h100 --set h100.hbm.bandwidth=x1.3 --set nvlink.bandwidth=x2 --set infiniband.chips=128
grep -q '^nvlink: 8 chips, switch of nvlink4, switches sum' out
grep -q '^  bandwidth  *900 GB/s' out
expect 0 hw show nvlink4 --json
holds '.bytes_per_s.value == 25e9 and .kind == "scale-up"'
expect 0 hw show h100 --set h100.hbm.bandwidth=x1.3 --json
holds '.memory_bytes_per_s - 4.355e12 | fabs < 1'
for id in $("$RIDGE" hw list --json | jq -r '.systems[].id, .links[].id'); do expect 0 hw show $id; done
expect 0 hw collective dgx-h100 --ranks 64 --bytes '1 GB' --json
holds '.rows | length == 1 and (.[0] | .bytes == 1e9 and .level == "infiniband" and .class == "assumed" and .bound_s > 0 and .bound_s <= .lo80_s and .lo80_s <= .estimate_s and .estimate_s <= .hi80_s)'
expect 0 hw collective h100 --json
holds '.ranks == 8 and (.rows | length) == 7 and .rows[0].class == "calibrated"'
expect 0 hw collective tpu-v4-pod --set ici.axes=4x4x4 --op all-to-all
grep -q 'torus  *ici  *assumed' out
failed 2 'h100-sxm joins 8' hw collective h100 --ranks 16
failed 2 '"bytes"' hw collective h100 --bytes '1 bytes'
failed 2 '"sum"' hw collective h100 --op sum
failed 2 'do not nest' hw show dgx-h100 --set nvlink.chips=1e6
failed 2 'nvlink4 is neither' hw show nvlink4 --set bandwidth=x2

# technologies and composed chips
expect 0 hw show hbm4e --json
holds '.kind == "memory" and ([.numbers[] | .lo <= .value and .value <= .hi and (.date | test("^20"))] | all)'
expect 0 hw show hbm4
grep -q '^  bandwidth  *2.4 TB/s  2 TB/s to 2.8 TB/s  *2025-09 ' out
expect 0 hw show what-if-2029 --json
holds '.status == "hypothetical" and (.bets | length) >= 15 and ([.bets[] | select(.technology == "hbm4e")] | length) == 3'
holds '.numbers[] | select(.path == "memory.bandwidth") | .value == 48e12 and .lo < .value and .value < .hi and .estimated != null'
expect 0 hw show wi29 --set wi29.stacks=8 --set hbm4e.capacity='48 GB' --json
holds '.memory_bytes == 384e9 and .memory_bytes_per_s == 24e12'
expect 0 hw show wi29
grep -q '^  hbm4e.bandwidth  *3 TB/s  2.5 TB/s to 4 TB/s ' out
expect 0 roof explain llama-3.1-8b wi29 --phase decode --batch 8 --set stacks=8 --json
failed 2 'is in byte, not in count' hw show wi29 --set 'stacks=8 GB'

# a folder of one's own: --data, findings and broken files
mkdir -p own/chips
cp "$SRC/data/chips/h100-sxm.yaml" own/chips
expect 0 hw lint --data own
sed -i 's/{value: 989.4 TFLOP\/s, \(.*ml-engineering, aiconf.*\)/{value: 1979 TFLOP\/s, \1/' own/chips/h100-sxm.yaml
expect 1 hw lint --data own --json
holds '.unexplained >= 1 and ([.findings[].check] | index("derived"))'
expect 1 hw lint --data own
grep -q '^FINDING ' out
sed 's/3.35 TB\/s/3.35 TB/' "$SRC/data/chips/h100-sxm.yaml" >own/chips/h100-sxm.yaml
line=$(grep -n '3.35 TB,' own/chips/h100-sxm.yaml | cut -d: -f1)
failed 1 "h100-sxm.yaml:$line (memory.bandwidth.value): \"3.35 TB\" is in byte, not in byte/s" hw lint --data own
mkdir -p own/systems own/links
cp "$SRC/data/chips/h100-sxm.yaml" own/chips
sed 's/links: 18/links: 17/; s/\[eos\]/[h100]/' "$SRC/data/systems/dgx-h100.yaml" >own/systems/dgx-h100.yaml
cp "$SRC"/data/links/nvlink4.yaml "$SRC"/data/links/infiniband-ndr.yaml own/links
expect 1 hw lint --data own --json
holds '.systems == 1 and .links == 2 and ([.findings[] | select(.explained == null) | .check] == ["level", "alias"])'
rm own/links/nvlink4.yaml
failed 1 'own/systems/dgx-h100.yaml:14 (levels[0].link): unknown link "nvlink4"' hw lint --data own
failed 1 'chips: ' hw list --data nowhere

# the chip of docs/chips.md is a good one
mkdir -p docs/chips
awk '/^    id: example-1/ { on = 1 } on && /^[^ ]/ { exit } on { sub(/^    /, ""); print }' "$SRC/docs/chips.md" >docs/chips/example-1.yaml
expect 0 hw show ex1 --data docs --json
holds '.id == "example-1" and (.paths | length) == 4'
expect 0 hw lint --data docs

# so are the system and the link of docs/systems.md
mkdir -p docs/systems docs/links
example() { awk -v id="$1" '$0 ~ "^    id: " id { on = 1 } on && /^[^ ]/ { exit } on { sub(/^    /, ""); print }' "$SRC/docs/systems.md"; }
example example-system >docs/systems/example-system.yaml
example example-link >docs/links/example-link.yaml
expect 0 hw show ex-system --data docs --json
holds '.id == "example-system" and .levels[0].bytes_per_s.value == 450e9 and .levels[0].latency_s.value == 1e-6'
expect 0 hw lint --data docs
