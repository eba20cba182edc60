# ridge roof sweep: keys, the same results for any number of processes and after an interruption, refusals.
fail() { echo "FAIL: $1"; exit 1; }
cat >sweep.yaml <<END
phase: decode
model: [llama-3.1-70b]
system: [dgx-h100, dgx-h200]
tp: [1, 2, 4, 8]
pp: [1, 2]
chips: [8, 16]
batch: [1, 8, 16, 64, 256, 1024]
context: [2048, 8192]
END
"$RIDGE" roof sweep sweep.yaml -o one --json >one.json
jq -e '.configurations == 384 and .configurations_per_s > 0 and (.pareto | length) > 4 and .ok + .refused + .does_not_fit == 384 and
       ([.pareto[] | .seconds > 0 and .bound_s > 0 and .bound_s <= .seconds and (.layout | startswith("tp="))] | all)' one.json >/dev/null ||
    fail "$(head -c 600 one.json)"
[ "$(wc -l <one/results.csv)" = 385 ] || fail "results.csv"
[ "$(wc -l <one/pareto.csv)" = "$(jq '.pareto | length + 1' one.json)" ] || fail "pareto.csv"

# gone on with: a part that was cut off in the middle of a record
mkdir two
head -c 20001 one/part-0-0.bin >two/part-0-0.bin
"$RIDGE" roof sweep sweep.yaml -o two --json >two.json
jq -e '.configurations == 384 and .evaluated < 384 and .evaluated > 0' two.json >/dev/null || fail "all was evaluated again"
cmp one/results.csv two/results.csv || fail "results differ after an interruption"
"$RIDGE" roof sweep sweep.yaml -o two --json | jq -e '.evaluated == 0 and .configurations_per_s == null' >/dev/null || fail "nothing was kept"

# a record that was changed since
mkdir three
cp one/part-0-0.bin three/
printf 'x' | dd of=three/part-0-0.bin bs=1 seek=700 conv=notrunc 2>dd.txt
"$RIDGE" roof sweep sweep.yaml -o three --json | jq -e '.evaluated == 1' >/dev/null || fail "a changed record was taken"
cmp one/results.csv three/results.csv || fail "results differ after a record changed"

# another sweep in the same folder
sed 's/2048/4096/' sweep.yaml >other.yaml
if "$RIDGE" roof sweep other.yaml -o one --json >out.json 2>err.txt; then fail "mixed with another sweep"; fi
jq -e '.error.message | test("another sweep")' out.json >/dev/null || fail "$(cat out.json)"

# the same sweep of a model that has changed since
cat >small.json <<END
{"model_type": "llama", "vocab_size": 2000, "hidden_size": 512, "intermediate_size": 1024, "num_hidden_layers": 4,
 "num_attention_heads": 8, "rms_norm_eps": 1e-6}
END
printf 'phase: serve\nmodel: ./small.json\nsystem: h100\nosl: [10, 20]\nisl: 100\n' >own.yaml
"$RIDGE" roof sweep own.yaml -o own --json >own.json || fail "own model"
jq -e '[.pareto[].osl == (10, 20)] | any' own.json >/dev/null || fail "no osl: $(cat own.json)"
sed -i 's/1024/2048/' small.json
if "$RIDGE" roof sweep own.yaml -o own --json >out.json 2>err.txt; then fail "results of another model were kept"; fi
jq -e '.error.message | test("other models")' out.json >/dev/null || fail "$(cat out.json)"

# numbers of systems that are changed: an axis of its own, each with its own front, that of the system as it is unchanged
(cat sweep.yaml; echo 'what_if: ["", "memory.bandwidth=x0.5; nvlink.bandwidth=x0.5", memory.bandwidth=x2]') >fast.yaml
"$RIDGE" roof sweep fast.yaml --json >fast.json
jq -e '.configurations == 1152 and ([.pareto[].what_if] | unique | length) == 3' fast.json >/dev/null || fail "$(head -c 900 fast.json)"
same=$(jq -n --slurpfile a one.json --slurpfile b fast.json \
    '[$a[0].pareto[] | del(.index)] == [$b[0].pareto[] | select(.what_if == null) | del(.index)]')
[ "$same" = true ] || fail "a what-if changes the front of the system as it is"
jq -n -e --slurpfile a one.json --slurpfile b fast.json \
    '[$b[0].pareto[] | select(.what_if == "memory.bandwidth=x2")][0].bound_s | . > 0 and . < 0.7 * $a[0].pareto[0].bound_s' >/dev/null ||
    fail "twice the bandwidth"

# leaks of the MPI library are not ours
export ASAN_OPTIONS="detect_leaks=0"
if command -v mpirun >/dev/null && [ -f "$(dirname "$RIDGE")/ridge_mpi.so" ]; then
    for n in 2 3; do
        mpirun --allow-run-as-root --oversubscribe -n $n "$RIDGE" roof sweep sweep.yaml -o "by$n" --json >by.json
        jq -e ".processes == $n and .configurations == 384" by.json >/dev/null || fail "$(head -c 300 by.json)"
        cmp one/results.csv "by$n/results.csv" && cmp one/pareto.csv "by$n/pareto.csv" || fail "$n processes: other results"
        [ -f "by$n/part-1-0.bin" ] || fail "rank 1 did nothing"
    done
    # an error of one is an error of all
    if mpirun --allow-run-as-root --oversubscribe -n 2 "$RIDGE" roof sweep other.yaml -o one --json >out.json 2>err.txt; then
        fail "an error was lost"
    fi
fi
