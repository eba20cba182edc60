# ridge tensor list: what it prints of good files, and one line for each kind of bad one.
# refused FILE WORDS: exit 1, one line on stderr that names the file and has the words; the same as JSON
refused() {
    code=0; "$RIDGE" tensor list "$1" >out 2>err || code=$?
    [ $code = 1 ] || { echo "exit $code for $1"; cat out err; exit 1; }
    [ ! -s out ] && [ "$(wc -l <err)" = 1 ]
    grep -qF "$1" err && grep -qF "$2" err || { echo "$1: no \"$2\" in: $(cat err)"; exit 1; }
    code=0; "$RIDGE" tensor list "$1" --json >out 2>/dev/null || code=$?
    [ $code = 1 ] && [ "$(jq -s length out)" = 1 ]
    jq -e '.error.message != "" and .error.where != "" and .error.expected != ""' out >/dev/null
}
zeros() { head -c "$1" /dev/zero; }
header() { printf 'GGUF\3\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'; } # version 3, one tensor, no metadata
tensor() { # tensor TYPE OFFSET: describes t[32]
    printf '\1\0\0\0\0\0\0\0t\1\0\0\0\40\0\0\0\0\0\0\0%b\0\0\0%b\0\0\0\0\0\0\0' "$1" "$2"
}

# 24 + 33 bytes, padded to 64; 32 numbers
{ header; tensor '\0' '\0'; zeros 7; zeros 128; } >good.gguf
"$RIDGE" tensor list good.gguf --json >out
jq -e '.tensors == [{"name": "t", "shape": [32], "format": "f32", "bytes": 128}]' out >/dev/null
"$RIDGE" tensor list good.gguf | grep -q '^1 tensors, 128 bytes (gguf)$'

{ header; tensor '\25' '\0'; zeros 7; zeros 128; } >type.gguf
refused type.gguf 'tensor "t" is of type 21 (IQ3_S)'
{ header; tensor '\0' '\40'; zeros 7; zeros 128; } >end.gguf
refused end.gguf 'truncated: tensor "t" has 128 bytes from offset 32'
{ header; tensor '\0' '\7'; zeros 7; zeros 256; } >misaligned.gguf
refused misaligned.gguf 'begins at offset 7; expected a multiple of the alignment 32'
{
    printf 'GGUF\3\0\0\0\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'
    tensor '\0' '\0'
    tensor '\0' '\40' | sed 's/t/u/'
    zeros 294
} >overlap.gguf
refused overlap.gguf 'tensor "u" overlaps tensor "t"'
head -c 100 good.gguf >short.gguf
refused short.gguf 'truncated'
head -c 30 good.gguf >header.gguf
refused header.gguf '@byte 8: claims 1 tensors in a file of 30 bytes'
head -c 20 good.gguf >head.gguf
refused head.gguf '@byte 0: truncated: the file ends at byte 20, inside the header'
: >empty.gguf
refused empty.gguf 'empty file'
echo 'this is a text, not a model file of any kind' >text.gguf
refused text.gguf 'not a model file that Ridge knows'
refused absent.gguf 'cannot open'
mkdir folder
refused folder 'not a regular file'

[ -n "$SHARED" ] || { echo "skipped: shared data absent (the rest passed)"; exit 77; }
"$RIDGE" tensor list "$SHARED/models/stories260k/stories260K.bin" --json >out
jq -e '(.tensors | length) == 47 and ([.tensors[].bytes] | add) == 1040128' out >/dev/null
jq -e '.tensors[0] == {"name": "model.embed_tokens.weight", "shape": [512, 64],
                       "format": "f32", "bytes": 131072}' out >/dev/null
"$RIDGE" tensor list "$SHARED/models/tokenizers/ggml-vocab-gpt-2.gguf" --json >out
jq -e '.tensors == []' out >/dev/null
head -c 500000 "$SHARED/models/stories260k/stories260K.bin" >short.bin
refused short.bin 'expected 1056540 bytes'
