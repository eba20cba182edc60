# ridge eval import: forms, JSON keys, claims, errors.
expect() { # expect CODE COMMAND...: runs it, output in out and err
    want=$1; shift
    code=0; "$@" >out 2>err </dev/null || code=$?
    [ $code = $want ] || { echo "exit $code, expected $want: $*"; cat out err; exit 1; }
}
samples() { # samples FIRST_WRONG: 40 items, right up to there
    i=0
    while [ $i -lt 40 ]; do
        right=$([ $i -lt "$1" ] && echo 1 || echo 0)
        printf '{"doc_id": %d, "target": "0", "filtered_resps": [["-%d.5", "False"], ["-3", "False"]], "filter": "none", "acc": %d.0}\n' \
            $i $((4 - 3 * right)) "$right"
        i=$((i + 1))
    done
}
samples 30 >a.jsonl
samples 20 >b.jsonl
expect 0 "$RIDGE" eval import a.jsonl b.jsonl a.jsonl --json
[ "$(jq -s length out)" = 1 ]
jq -e '.kind == "lm-eval" and .reference.accuracy == 0.75 and (.policies | length) == 2' out >/dev/null
jq -e '.policies[0] | .accuracy == 0.5 and .flips == 10 and .verdict == "worse" and .mcnemar_p == 0.001953125' out >/dev/null
jq -e '.policies[1].verdict == "equal"' out >/dev/null
jq -e --arg h "$(sha256sum b.jsonl | cut -c1-64)" '.policies[0].sha256 == $h' out >/dev/null
expect 0 "$RIDGE" eval import a.jsonl b.jsonl
grep -q 'verdict: worse' out

# log-probabilities, with their reference in one file or two
i=0
while [ $i -lt 10 ]; do
    printf '{"doc": %d, "logprobs": [-1.5, -2.%d], "reference": [-1.4, -2]}\n' $i $i
    i=$((i + 1))
done >lp.jsonl
expect 0 "$RIDGE" eval import lp.jsonl --json
jq -e '.kind == "logprobs" and .reference == null and .policies[0].clusters == 10 and .policies[0].verdict == "worse"' out >/dev/null
jq -e '.policies[0] | .delta_nll_lo < .delta_nll and .delta_nll < .delta_nll_hi' out >/dev/null
gzip -k lp.jsonl
expect 0 "$RIDGE" eval import lp.jsonl.gz --json
jq -e --arg h "$(sha256sum lp.jsonl.gz | cut -c1-64)" '.policies[0].sha256 == $h' out >/dev/null

# claims carry the files that they rest on
expect 0 "$RIDGE" eval import a.jsonl b.jsonl --ledger work --json
n=$(jq .claims out)
[ "$n" -gt 10 ]
expect 0 "$RIDGE" ledger verify work --json
jq -e --argjson n "$n" '.claims == $n and .verified == $n' out >/dev/null
jq -se 'any(.subject == "quality/b.jsonl/mcnemar_p" and .class == "quoted" and (.inputs | length) == 2)' work/claims.jsonl >/dev/null
expect 0 "$RIDGE" eval import a.jsonl b.jsonl --ledger work # the same claims again
[ "$(sort -u work/claims.jsonl | wc -l)" = "$n" ]
for f in work/inputs/*b.jsonl; do echo '{}' >>"$f"; done
expect 1 "$RIDGE" ledger verify work

# a folder however deep
deep=$(printf 'deep%0200d/' 1 2 3 4 5 6)
expect 0 "$RIDGE" eval import a.jsonl b.jsonl --ledger "$deep"
[ "$(ls "$deep/inputs" | wc -l)" = 2 ]
expect 0 "$RIDGE" ledger verify "$deep"

# errors name what is wrong
expect 2 "$RIDGE" eval import
expect 1 "$RIDGE" eval import a.jsonl lp.jsonl
grep -q 'form logprobs beside one of form lm-eval' err
head -39 a.jsonl >short.jsonl
expect 1 "$RIDGE" eval import a.jsonl short.jsonl --json
jq -e '.error.where == "short.jsonl" and (.error.message | test("doc_id 39"))' out >/dev/null
echo hello >other
expect 1 "$RIDGE" eval import other
grep -q 'llama.cpp' err
expect 2 "$RIDGE" eval import a.jsonl --form csv
grep -q csv err
