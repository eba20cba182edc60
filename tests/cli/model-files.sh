# Model files that cannot be evaluated: exit 1, or 2 for a name that is none, one line that names the file.
refused() { # refused CODE MODEL WORDS
    code=0; "$RIDGE" eval run --model "$2" --text text --policy w=int8 --json >out 2>err || code=$?
    [ $code = "$1" ] || { echo "exit $code, expected $1, for $2"; cat out err; exit 1; }
    [ "$(jq -s length out)" = 1 ] && jq -e '.error.message != "" and .error.expected != ""' out >/dev/null
    code=0; "$RIDGE" eval run --model "$2" --text text --policy w=int8 >out 2>err || code=$?
    [ $code = "$1" ] && [ ! -s out ] && [ "$(wc -l <err)" = 1 ]
    grep -qF "$2" err && grep -qF "$3" err || { echo "$2: no \"$3\" in: $(cat err)"; exit 1; }
}
echo 'Once upon a time there was a model that did not open.' >text

refused 2 no-such-model 'no model is called "no-such-model"'
refused 1 absent.gguf 'cannot open'
refused 1 llama-3.1-8b 'without weights'
: >empty.bin
refused 1 empty.bin 'empty file'
cp text text.bin
refused 1 text.bin 'not a model file that Ridge knows'
# version 3, no tensor, one key: general.architecture = "mamba"
printf 'GGUF\3\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\24\0\0\0\0\0\0\0general.architecture' >mamba.gguf
printf '\10\0\0\0\5\0\0\0\0\0\0\0mamba' >>mamba.gguf
refused 1 mamba.gguf 'general.architecture is "mamba"; expected llama or qwen3'
sed 's/mamba/llama/' mamba.gguf >bare.gguf
refused 1 bare.gguf 'llama.block_count'

[ -n "$SHARED" ] || { echo "skipped: shared data absent (the rest passed)"; exit 77; }
stories=$SHARED/models/stories260k
mkdir alone wrong
cp "$stories/stories260K.bin" alone/model.bin
code=0; "$RIDGE" eval run --model alone/model.bin --text text --policy w=int8 2>err || code=$?
[ $code = 1 ]
[ "$(wc -l <err)" = 1 ]
grep -q 'alone/tok' err
cp "$stories/stories260K.bin" wrong/model.bin
cp "$SHARED/models/tokenizers/tok4096.bin" wrong/tok512.bin
code=0; "$RIDGE" eval run --model wrong/model.bin --text text --policy w=int8 2>err || code=$?
[ $code = 1 ]
grep -q 'wrong/tok512.bin@byte .* follow the last of 512 tokens' err
refused 1 "$SHARED/models/tokenizers/ggml-vocab-gpt-2.gguf" 'general.architecture is "gpt2"'
