# ridge tensor convert and ridge model stress: what is written can be read by others and by ridge.
expect() { # expect CODE COMMAND...: runs it, output in out and err
    want=$1; shift
    code=0; "$@" >out 2>err </dev/null || code=$?
    [ $code = $want ] || { echo "exit $code, expected $want: $*"; cat out err; exit 1; }
}
refused() { # refused CODE WORDS COMMAND...
    want=$1 words=$2; shift 2
    expect $want "$@"
    [ ! -s out ] && grep -qF -- "$words" err || { echo "no \"$words\" in: $(cat err)"; exit 1; }
}
# one tensor t[2][32] of 0.5, as safetensors by hand
python='import struct,sys
h=b"{\"t\":{\"dtype\":\"F32\",\"shape\":[2,32],\"data_offsets\":[0,256]},\"v\":{\"dtype\":\"F16\",\"shape\":[3],\"data_offsets\":[256,262]}}"
sys.stdout.buffer.write(struct.pack("<Q",len(h))+h+struct.pack("<64f",*[0.5]*64)+struct.pack("<3e",1,2,3))'
command -v python3 >/dev/null || { echo "skipped: python3 absent"; exit 77; }
python3 -c "$python" >in.safetensors
expect 0 "$RIDGE" tensor convert in.safetensors -o out.safetensors --json
jq -e '[.tensors[] | .name, .format] == ["t", "f32", "v", "f32"]' out >/dev/null
python3 - <<'P'
import json, struct
b = open("out.safetensors", "rb").read()
n = struct.unpack("<Q", b[:8])[0]
h = json.loads(b[8:8 + n])
assert n % 8 == 0 and h["__metadata__"] == {"format": "pt"}, h
t, v = h["t"], h["v"]
assert t["shape"] == [2, 32] and struct.unpack("<64f", b[8 + n:][t["data_offsets"][0]:t["data_offsets"][1]]) == (0.5,) * 64
assert struct.unpack("<3f", b[8 + n:][v["data_offsets"][0]:v["data_offsets"][1]]) == (1, 2, 3)
P
for f in f32 f16 bf16 q8_0 q4_0 q4_1 mxfp4; do
    expect 0 "$RIDGE" tensor convert in.safetensors -o $f.gguf --format $f --json
    jq -e --arg f $f '[.tensors[].format] == [$f, "f32"]' out >/dev/null
done
# mxfp4: scale 2^-3 (0.5 = 4 x 2^-3), all codes 6; then the padded second tensor
[ "$(tail -c 96 mxfp4.gguf | head -c 34 | od -An -tx1 | tr -d ' \n')" = 7c666666666666666666666666666666667c66666666666666666666666666666666 ]
refused 1 'cannot write type q8_0' "$RIDGE" tensor convert in.safetensors -o o.safetensors --format q8_0
refused 1 'cannot write type q6_k' "$RIDGE" tensor convert in.safetensors -o o.gguf --format q6_k
refused 2 'ends in .safetensors or .gguf' "$RIDGE" tensor convert in.safetensors -o o.bin
cp in.safetensors kept.safetensors
ln -s in.safetensors link.safetensors
for o in in.safetensors ./in.safetensors link.safetensors; do
    refused 2 'source would be overwritten' "$RIDGE" tensor convert in.safetensors -o $o
done
cmp in.safetensors kept.safetensors
refused 1 'cannot write' "$RIDGE" tensor convert in.safetensors -o no/such/o.gguf
[ ! -e o.gguf ]
[ ! -e o.safetensors ]
ls | grep -q part && { echo "something half-written is left"; ls; exit 1; }

[ -n "$SHARED" ] || { echo "skipped: shared data absent (the rest passed)"; exit 77; }
model=$SHARED/models/stories260k/stories260K.bin
stress="$RIDGE model stress --model $model"
expect 0 $stress --channels 5,40 --scale 50 -o stressed.bin --json
jq -e --arg h "$(sha256sum stressed.bin | cut -c1-64)" --arg s "$(sha256sum "$model" | cut -c1-64)" \
    '.sha256 == $h and .source_sha256 == $s and .channels == [5, 40] and .scale == 50' out >/dev/null
cmp tok512.bin "$SHARED/models/stories260k/tok512.bin"
expect 0 $stress --channels 2 --scale 2 -o first.bin --json
jq -e '.channels == [0, 1]' out >/dev/null
expect 0 $stress --channels 2, --scale 2 -o one.bin --json
jq -e '.channels == [2]' out >/dev/null
refused 2 'expected 0 to 63' $stress --channels 5,64 --scale 2 -o x.bin
refused 2 'expected 0 to 63' $stress --channels 65 --scale 2 -o x.bin
for c in '' , 5,,6 -1 x 1.5 0; do refused 2 channels $stress --channels="$c" --scale 2 -o x.bin; done
refused 2 scale $stress --channels 2 --scale 0 -o x.bin
refused 1 'came from llama2c' $stress --channels 2 --scale 2 -o x.gguf
[ ! -e x.bin ]
[ ! -e x.gguf ]
cp first.bin kept.bin
refused 2 'source would be overwritten' "$RIDGE" model stress --model first.bin --channels 2 --scale 2 -o first.bin
cmp first.bin kept.bin
head -c 6000 "$SHARED/text/tinystories-sample/tinystories.txt" >text
for m in "$model" stressed.bin; do
    expect 0 "$RIDGE" eval run --model $m --text text --policy w=int8,a=int8 --protocol stories-256 --json
    cp out $(basename $m).json
done
jq -e --slurpfile s stressed.bin.json '$s[0].policies[0].kld_mean > 50 * .policies[0].kld_mean' stories260K.bin.json >/dev/null
expect 0 "$RIDGE" model smooth --model stressed.bin --text text -o smoothed.bin --json
jq -e --arg h "$(sha256sum smoothed.bin | cut -c1-64)" '.sha256 == $h and .alpha == 0.5' out >/dev/null
expect 0 "$RIDGE" eval run --model smoothed.bin --text text --policy w=int8,a=int8 --protocol stories-256 --json
jq -e --slurpfile s stressed.bin.json '.policies[0].kld_mean < 0.1 * $s[0].policies[0].kld_mean' out >/dev/null
refused 2 alpha "$RIDGE" model smooth --model stressed.bin --text text --alpha 2 -o x.bin
refused 1 no-such "$RIDGE" model smooth --model stressed.bin --text no-such -o x.bin
