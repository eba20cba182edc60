# A whole small study on stories260k: report, tables, decision, claims; resuming; tampering; bad study files.
[ -n "$SHARED" ] || { echo "skipped: shared data absent"; exit 77; }
expect() { want=$1; shift; code=0; "$@" >out 2>err </dev/null || code=$?
    [ $code = $want ] || { echo "exit $code, expected $want: $*"; cat out err; exit 1; }; }
cp "$SHARED/models/stories260k/stories260K.bin" "$SHARED/models/stories260k/tok512.bin" .
head -c 20000 "$SHARED/text/tinystories-sample/tinystories.txt" >text.txt
cat >small.yaml <<'Y'
study: small
question: Which format?
owner: test
decide_by: 2027-01-01
revisit_if: [something changes]
quality_model: stories260K.bin
text: text.txt
protocol: stories-256
tokens: 1500
deploy: {model: llama-3.1-8b, batch: 32, context: 8192}
chips: [h100, mi300x]
gate: {kld_mean: 0.05, source: a test}
options:
  - {name: bf16}
  - {name: int8, w: int8, a: int8, kv: int8}
  - {name: mxfp4, w: mxfp4, a: mxfp4}
assumptions:
  - {id: a1, text: a statement, source: judgement, date: 2026-11-24}
Y
expect 0 "$RIDGE" study run small.yaml -o s --json
jq -e '.report' out >/dev/null
for f in report.html report.md decision.md options.csv quality.csv speed.csv assumptions.csv claims.jsonl; do
    [ -s s/$f ] || { echo "s/$f is missing"; exit 1; }
done
grep -q '^int8,' s/options.csv
grep -q 'a statement' s/report.html
grep -q 'Recommendation' s/decision.md
if grep -qE '(src|href)="https?:' s/report.html; then echo "the report fetches from the network"; exit 1; fi
# the report's number is the command's number
kld=$("$RIDGE" eval run --model stories260K.bin --text text.txt --policy w=mxfp4,a=mxfp4,kv=bf16 --protocol stories-256 --tokens 1500 --json |
    jq '.policies[] | select(.policy | startswith("w=mxfp4")) | .kld_mean')
grep -F '"unit":"nat"' s/claims.jsonl | grep -F 'mxfp4' | jq -s -e --argjson k "$kld" 'any(.[]; .value == $k)' >/dev/null
expect 0 "$RIDGE" ledger verify s --json
jq -e '.verified == .claims and (.failed | length) == 0' out >/dev/null
# an assumption leads to the decision that rests on it
expect 0 "$RIDGE" ledger show s --subject 'assumption/a1' --json
id=$(jq -r '.claims[0].id' out)
expect 0 "$RIDGE" ledger show s "$id" --json
jq -e '.used_by | any(.subject == "decision/small/mean_decode_rate")' out >/dev/null
# a second run computes nothing anew and changes no claim
stat -c '%n %Y %i' s/items/* >items.before
sort s/claims.jsonl >claims.before
expect 0 "$RIDGE" study run small.yaml -o s
stat -c '%n %Y %i' s/items/* | cmp - items.before
sort s/claims.jsonl | cmp - claims.before
# one changed byte in a chip is named together with what rests on it
sed -i 's/3.35/3.45/' s/inputs/data/chips/h100-sxm.yaml
expect 1 "$RIDGE" ledger verify s --json
jq -e '(.failed | length) > 0 and all(.failed[]; .subject | test("h100|^decision/"))
    and any(.failed[]; .subject | test("^decision/")) and any(.failed[]; .reason | test("h100-sxm.yaml"))' out >/dev/null
# bad study files: one line, the place, nothing half-written
for bad in 's/^chips:.*/chips: [h1000]/' 's/^tokens: 1500/tokenz: 1500/' 's/w: int8,/w: int9x,/' 's/^text: .*/text: nowhere.txt/' \
    's/^quality_model: .*/quality_model: nowhere.bin/' 's/^gate: .*/gate: {kld_mean: -1, source: x}/' 's/model: llama-3.1-8b/model: nowhere/' \
    's/^protocol: .*/protocol: none/'; do
    sed "$bad" small.yaml >bad.yaml
    expect 1 "$RIDGE" study run bad.yaml -o bad
    [ "$(wc -l <err)" = 1 ] || { echo "more than one line for $bad"; cat err; exit 1; }
    grep -qE 'bad.yaml|nowhere.bin' err || { echo "no place for $bad"; cat err; exit 1; }
    [ ! -e bad/report.html ] || { echo "a report for $bad"; exit 1; }
done
sed 's/^tokens: 1500/tokenz: 1500/' small.yaml >bad.yaml
expect 1 "$RIDGE" study run bad.yaml -o bad
grep -q 'bad.yaml' err
