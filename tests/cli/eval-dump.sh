# ridge eval compare-dump: the first difference, JSON keys, errors.
expect() { # expect CODE COMMAND...: runs it, output in out and err
    want=$1; shift
    code=0; "$@" >out 2>err </dev/null || code=$?
    [ $code = $want ] || { echo "exit $code, expected $want: $*"; cat out err; exit 1; }
}
sum=$(printf x | sha256sum | cut -c1-64)
dump() { # dump POLICY RMS: two nodes, the second with that rms
    printf '{"ridge_dump": 1, "model_sha256": "%s", "policy": "%s", "nodes": [' "$sum" "$1"
    printf '{"name": "embed", "op": "embed", "layer": null, "sha256": "%s", "amax": 1, "mean": 0, "rms": 0.5},' "$sum"
    printf '{"name": "layers.2.q", "op": "linear", "layer": 2, "sha256": null, "amax": 4, "mean": 0.1, "rms": %s}]}\n' "$2"
}
dump w=int8 1.0 >a.json
dump w=int4 1.25 >b.json
expect 0 "$RIDGE" eval compare-dump a.json b.json --json
[ "$(jq -s length out)" = 1 ]
jq -e '.equal == false and .nodes == 2 and .nodes_equal == 1 and .differences == 1' out >/dev/null
jq -e '.first | .name == "layers.2.q" and .op == "linear" and .layer == 2 and .rms_difference == 0.2 and .amax_difference == 0' out >/dev/null
jq -e '.runs == [{"key": "policy", "a": "w=int8", "b": "w=int4"}]' out >/dev/null
expect 0 "$RIDGE" eval compare-dump a.json b.json
grep -q 'the runs differ in policy: w=int8 and w=int4' out
grep -q 'first difference: layers.2.q (linear), layer 2: other values; rms 1 and 1.25, 20 % apart' out
expect 0 "$RIDGE" eval compare-dump a.json b.json --tolerance 0.3 --json
jq -e '.equal and .first == null' out >/dev/null
expect 2 "$RIDGE" eval compare-dump a.json
echo '{"nodes": []}' >bad.json
expect 1 "$RIDGE" eval compare-dump a.json bad.json --json
jq -e '.error.where == "bad.json" and (.error.expected | test("ridge_dump"))' out >/dev/null
echo 'no dump' >stray.txt
expect 1 "$RIDGE" eval compare-dump stray.txt stray.txt --json
jq -e '.error.where == "stray.txt" and (.error.expected | test("a dump .JSON., or activations"))' out >/dev/null
