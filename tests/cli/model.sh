# ridge model: keys of --json, the table, names and files, refusals by name, one line on stderr.
expect() { # expect CODE ARGUMENTS...: output in out and err
    want=$1; shift
    code=0; "$RIDGE" "$@" >out 2>err </dev/null || code=$?
    [ $code = $want ] || { echo "exit $code, expected $want: $*"; cat out err; exit 1; }
}
failed() { # failed CODE WORDS ARGUMENTS...: one line on stderr with the words; as JSON the error alone
    want=$1 words=$2; shift 2
    expect $want "$@"
    [ ! -s out ] && [ "$(wc -l <err)" = 1 ] && grep -qF -- "$words" err || { echo "no \"$words\": $*"; cat out err; exit 1; }
    expect $want "$@" --json
    [ "$(jq -s length out)" = 1 ]
    jq -e 'keys == ["error"] and (.error | keys == ["expected", "message", "where"]) and .error.message != ""' out >/dev/null
}
holds() { jq -e "$1" out >/dev/null || { echo "not so: $1"; head -c 2000 out; exit 1; }; }

expect 0 model show llama-3.1-8b --json
holds '.parameters_total == 8030261248 and .parameters_active == 8030261248 and .parameters_active_no_embedding == 7504924672'
holds '.checkpoint_policy == null and .checkpoint_bytes == .weight_bytes'
holds '.parameters_mtp == 0 and .parameters_vision == 0 and .weight_bytes == 16060522496'
holds '.kv_bytes_per_token == 131072 and .state_bytes_per_sequence == 0 and .context == 4096'
# linear operators of a block, attention over (4096 + 1) / 2 keys, the head once in 4096 tokens
holds '.prefill_flop_per_token == 32 * (2 * 218103808 + 4 * 4096 * 2048.5) + 2 * 4096 * 128256 / 4096'
holds '.decode_flop_per_token == 32 * (2 * 218103808 + 4 * 4096 * 4096) + 2 * 4096 * 128256'
expect 0 model show llama-3.1-8b --context 1 --json
holds '.prefill_flop_per_token == .decode_flop_per_token'
for pair in llama-2-7b:6738415616 llama-3.1-70b:70553706496 llama-3.1-405b:405853388800 qwen3-8b:8190735360; do
    expect 0 model show ${pair%:*} --json
    holds ".parameters_total == ${pair#*:}"
done
expect 0 model show llama-3.1-8b
grep -q 'parameters.* 8,030,261,248 ' out
grep -q 'KV cache.* 131,072 B' out
expect 0 model show llama-2-7b --context 8192
grep -q 'beyond the model' out

expect 0 model list --json
holds '[.models[].name] | index("llama-3.1-8b") and index("qwen3-8b")'
expect 0 model list
grep -q '^llama-2-7b .* 6,738,415,616$' out

expect 0 model graph llama-3.1-8b --json
holds '.ridge_graph == 1 and (.nodes | length) == 32 * 15 + 3 and (.weights | length) == 32 * 9 + 3'
holds '.nodes[2] == {"name": "layers.0.self_attn.q_proj", "op": "linear", "layer": 0, "inputs": [1], "width": 4096, "weight": 2}'
# what was printed is read back
cp out graph.json
expect 0 model graph graph.json --json
cmp out graph.json
expect 0 model show graph.json --json
holds '.model == "llama-3.1-8b" and .parameters_total == 8030261248 and .kv_bytes_per_token == 131072'
sed 's/"ridge_graph": 1/"ridge_graph": 2/' graph.json >later.json
failed 1 'later.json:1' model show later.json
expect 0 model graph qwen3-0.6b
grep -q 'lm_head .* 151936 x 1024 tied' out

cat >config.json <<'END'
{"model_type": "llama", "vocab_size": 100, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
 "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 128, "torch_dtype": "float16"}
END
expect 0 model show config.json --json
holds '.parameters_total == 2 * 100 * 64 + 64 + 2 * (2 * 64 * 64 + 2 * 64 * 32 + 3 * 64 * 96 + 2 * 64)'
# import: the keys of show and unknown_fields; an unknown field fails after the JSON
"$RIDGE" model show config.json --json | jq 'keys' >keys
expect 0 model import config.json --json
holds '.unknown_fields == []'
jq 'del(.unknown_fields) | keys' out | cmp - keys
jq '. + {"_note": "x", "num_experts": 8, "rope_scaling": {"beta": 1}}' config.json >other.json
failed 1 '"num_experts", "rope_scaling.beta"' model show other.json
expect 1 model import other.json --json
holds '.unknown_fields == ["num_experts", "rope_scaling.beta"]'
holds '.parameters_total > 0'
[ "$(wc -l <err)" = 1 ]
grep -q 'num_experts' err
mkdir folder && cp config.json folder
expect 0 model show folder --json
holds '.model == "folder" and .kv_bytes_per_token == 2 * 2 * 2 * 16 * 2'
sed 's/"torch_dtype"/"n_experts"/' config.json >unknown.json
failed 1 'does not know 1 field: "n_experts"' model show unknown.json
failed 1 'unknown.json' model graph unknown.json
sed 's/"llama"/"no_such"/' config.json >strange.json
failed 1 'strange.json:1 (model_type): no family file matches model_type "no_such"' model show strange.json
sed 's/"hidden_size": 64, //' config.json >missing.json
failed 1 'missing.json has no field "hidden_size"' model show missing.json
echo '{"model_type": ' >broken.json
failed 1 'broken.json' model show broken.json
failed 2 'no model is called "no-such-model"' model show no-such-model
failed 2 '--context' model show llama-2-7b --context 0
failed 2 '--context' model show llama-2-7b --context 1.5
failed 2 'MODEL' model show

# the family of docs/families.md is a good one
mkdir -p docs/families
awk '/^    family: tiny/ { on = 1 } on && /^[^ ]/ { exit } on { sub(/^    /, ""); print }' "$SRC/docs/families.md" >docs/families/tiny.yaml
cat >tiny.json <<'END'
{"model_type": "tiny", "vocab_size": 100, "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
 "rms_norm_eps": 1e-6, "rope_theta": 1e4, "tie_word_embeddings": true}
END
expect 0 model show tiny.json --data docs --json
holds '.family == "tiny" and .parameters_total == 100 * 64 + 2 * (64 + 4 * 64 * 64)'

[ -n "$SHARED" ] || { echo "skipped: shared data absent (the rest passed)"; exit 77; }
# counted, or refused by the file's name (tests/unit/graph/test_models.c says which)
for file in "$SHARED"/models-config/*.json; do
    name=$(basename "$file" .json)
    if "$RIDGE" model show "$file" --json >out 2>err; then
        holds ".model == \"$name\" and .parameters_active <= .parameters_total and .parameters_active > 1e6"
    else
        failed 1 "$name.json" model show "$file"
    fi
done
