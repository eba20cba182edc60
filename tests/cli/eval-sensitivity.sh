# ridge eval sensitivity: rows are what eval run gives, the mixed policy keeps its budget and is really evaluated.
expect() { # expect CODE COMMAND...: runs it, output in out and err
    want=$1; shift
    code=0; "$@" >out 2>err </dev/null || code=$?
    [ $code = $want ] || { echo "exit $code, expected $want: $*"; cat out err; exit 1; }
}
expect 2 "$RIDGE" eval sensitivity --model x --text y
[ -n "$SHARED" ] || { echo "skipped: shared data absent"; exit 77; }
common="--model $SHARED/models/stories260k/stories260K.bin --text text --protocol stories-256"
head -c 2500 "$SHARED/text/tinystories-sample/tinystories.txt" >text
sensitivity="$RIDGE eval sensitivity $common --lower int4"

expect 0 $sensitivity --roles w,kv --budget-bits 6.2 --high int8 --json
cp out table
jq -e '(.rows | length) == 10 and (.all_layers | length) == 2 and .lower == "int4"' table >/dev/null
jq -e '[.rows[] | has("role") and has("layer") and has("kld_mean") and has("kld_mean_se")] | all' table >/dev/null
jq -e '[.rows[] | select(.role == "w") | .layer] == [0, 1, 2, 3, 4]' table >/dev/null
jq -e '.mix.bits_per_weight <= 6.2 and .mix.n_raised > 5' table >/dev/null
jq -e '.mix.lower_everywhere.kld_mean > .mix.evaluated.kld_mean and .mix.evaluated.kld_mean > .mix.higher_everywhere.kld_mean' table >/dev/null

mixed=$(jq -r .mix.policy table)
expect 0 "$RIDGE" eval run $common --policy "$mixed" --policy 'kv.layers.2.*=int4' --policy w=int4 --json
jq -e --slurpfile t table '.policies[0].kld_mean == $t[0].mix.evaluated.kld_mean' out >/dev/null
jq -e --slurpfile t table '.policies[1].kld_mean == ($t[0].rows[] | select(.role == "kv" and .layer == 2) | .kld_mean)' out >/dev/null
jq -e --slurpfile t table '.policies[2].kld_mean == ($t[0].all_layers[] | select(.role == "w") | .kld_mean)' out >/dev/null

# a budget of time on a chip
expect 0 $sensitivity --roles w --budget-ms 0.00088 --chip h100 --json
jq -e '.mix.bound_ms <= 0.00088' out >/dev/null

expect 2 $sensitivity --roles w --budget-bits 3
grep -q 'everywhere' err
expect 2 $sensitivity --roles w --budget-ms 1
grep -q -e '--chip' err
expect 2 $sensitivity --roles r
grep -q 'matches no operator' err
expect 2 $sensitivity --roles z
expect 2 "$RIDGE" eval sensitivity $common --lower int99
grep -q int99 err
