# ridge model kv, diff, watch: lengths, differences of two configs, a folder of configs; every published config imports.
expect() { # expect CODE ARGUMENTS...: output in out and err
    want=$1; shift
    code=0; "$RIDGE" "$@" >out 2>err </dev/null || code=$?
    [ $code = $want ] || { echo "exit $code, expected $want: $*"; cat out err; exit 1; }
}
holds() { jq -e "$1" out >/dev/null || { echo "not so: $1"; head -c 2000 out; exit 1; }; }

# 2 x 32 layers x 8 heads x 128 x 2 bytes a token
expect 0 model kv llama-3.1-8b --at 128k --at 1M --at 1000 --json
holds '[.rows[].context] == [131072, 1048576, 1000] and .rows[0].kv_bytes_per_sequence == 131072 * 131072'
holds '.rows[2].kv_bytes_per_sequence == 131072000 and .indexer_bytes_per_token == 0'
expect 0 model kv llama-3.1-8b --policy kv=mxfp4 --at 1k --json
holds '.rows[0].kv_bytes_per_sequence == 1024 * 2 * 32 * 8 * 128 * 4.25 / 8'
expect 0 model kv llama-3.1-8b
grep -q '4096 .* 536870912 .* 0.500' out
# a window forgets: twice as long takes no more
expect 0 model kv mistral-7b-v0.1 --at 8k --at 16k --json
holds '.rows[0].kv_bytes_per_sequence == .rows[1].kv_bytes_per_sequence'
for at in 1x k 0 -1 1.5 '' 1e300; do
    expect 2 model kv llama-3.1-8b --at "$at"
    [ ! -s out ] && [ "$(wc -l <err)" = 1 ] && grep -q 'at' err
done

cat >a.json <<'END'
{"model_type": "llama", "vocab_size": 100, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
 "num_attention_heads": 4, "rms_norm_eps": 1e-05, "_note": "a",
 "rope_scaling": {"rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": 32}}
END
jq '.num_hidden_layers = 3 | .rms_norm_eps = 0.00001 | .rope_scaling.factor = 4 | .bos_token_id = 1 | del(._note)' a.json >b.json
expect 0 model diff a.json b.json --json
holds '.fields == [{"field": "num_hidden_layers", "a": "2", "b": "3"}, {"field": "rope_scaling.factor", "a": "8", "b": "4"},
                   {"field": "bos_token_id", "a": null, "b": "1"}]'
holds '[.counts[].count] | index("parameters_total") and index("n_layers") and (index("vocab_size") == null)'
expect 0 model diff a.json a.json --json
holds '.fields == [] and .counts == []'
expect 0 model diff llama-3.1-8b llama-3.1-70b
grep -q 'num_hidden_layers .* 32 .* 80' out
"$RIDGE" model graph a.json --json >graph.json
expect 0 model diff graph.json b.json --json
holds '.fields == [] and (.counts | length) > 0'
expect 2 model diff a.json
expect 2 model diff a.json no-such-model

mkdir -p configs/sub && cp a.json configs/ && cp b.json configs/sub/config.json
expect 0 model watch configs --json
holds '.n_configs == 2 and .n_modelled == 2 and ([.configs[].status] == ["modelled", "modelled"])'
jq '. + {"num_experts": 8}' a.json >configs/fields.json
echo '{"model_type": "nobody"}' >configs/new.json
echo '{' >configs/torn.json
expect 1 model watch configs --json
holds '.n_configs == 5 and .n_modelled == 2'
holds '[.configs[] | select(.file == "fields.json")][0] | .status == "unknown fields" and .unknown_fields == ["num_experts"]'
holds '[.configs[] | select(.file == "new.json")][0] | .status == "refused" and (.message | test("nobody"))'
holds '[.configs[] | select(.file == "torn.json")][0].status == "refused"'
expect 1 model watch configs
grep -q '^new.json .* refused .*nobody' out
grep -q '2 of 5 configs' out
expect 1 model watch no-such-folder

# every published config
if [ -n "$SHARED" ]; then
    expect 0 model watch "$SHARED/models-config" --json
    holds '.n_configs >= 41 and .n_configs == .n_modelled'
fi
