# ridge num dot, datapaths, distinguish, identify: lines, errors with their line number, exit codes.
expect() { # expect CODE COMMAND...: stdin from the file in, output in out and err
    want=$1; shift
    code=0; "$@" >out 2>err <in || code=$?
    [ $code = $want ] || { echo "exit $code, expected $want: $*"; cat out err; exit 1; }
}
echo "3c003c00 3c004000 3f800000 further fields" >in
expect 0 "$RIDGE" num dot h100-fp16
[ "$(cat out)" = 40800000 ]
printf '3c00 3c00 3f800001\n3c00 3c00 3f800000\n' >in
expect 0 "$RIDGE" num dot h100-fp16 --out fp16
[ "$(cat out)" = "$(printf '40000000\n40000000')" ]
printf '3c00 3c00 0\n' >in
expect 1 "$RIDGE" num dot h100-fp16
grep -q 'stdin:1: c has 1 digits; expected' err
[ "$(wc -l <err)" = 1 ]
printf '3c00 3c00 00000000\n3c00 3c0 00000000\n' >in
expect 1 "$RIDGE" num dot h100-fp16
grep -q 'stdin:2: b has 3 digits' err
expect 2 "$RIDGE" num dot mi300-fp16 --out fp16
expect 2 "$RIDGE" num dot no-such-unit
expect 2 "$RIDGE" num dot tpu
expect 2 "$RIDGE" num distinguish h100-fp16 h100-bf16
expect 0 "$RIDGE" num distinguish a100-fp16 h100-fp16 --json
jq -e '.found and .k == 1 and .result_a != .result_b' out >/dev/null
jq -r .line out >in
a=$(jq -r .result_a out) b=$(jq -r .result_b out)
expect 0 "$RIDGE" num dot a100-fp16
[ "$(cat out)" = "$a" ]
expect 0 "$RIDGE" num dot h100-fp16
[ "$(cat out)" = "$b" ]
expect 0 "$RIDGE" num distinguish h100-fp16 h200-fp16 --json
jq -e '.found == false and .line == null' out >/dev/null
expect 0 "$RIDGE" num identify --run "'$RIDGE' num dot 'dot(a=e4m3fn,b=e4m3fn,n=24,align=17,acc=fp32@rne,promote=96)'" --json
jq -e '.datapath == "dot(a=e4m3fn,b=e4m3fn,n=24,align=17,acc=fp32@rne,promote=96)" and .vectors_used < 200 and (.candidates | length) >= 1' out >/dev/null || { cat out; exit 1; }
expect 1 "$RIDGE" num identify --run false
expect 1 "$RIDGE" num identify --run 'sed s/.*/x/'
grep -q 'line 1: found "x"' err
expect 0 "$RIDGE" num datapaths --json
jq -e '[.datapaths[].name] | index("h100-e4m3-wgmma") and index("mi300-fp8")' out >/dev/null
expect 0 "$RIDGE" num datapaths mi300-fp8
grep -q 'u = align(j:31, c:24:25, bits=24, rd)' out
# a unit of one's own
cat >mine.yaml <<'YAML'
datapaths:
  mine:
    a: fp16
    b: fp16
    n: 2
    fp32:
      - p = multiply(a, b)
      - s = add(p[0::2], p[1::2], fp32@rne)
      - d = add(s, c, fp32@rne)
YAML
echo "3c003c00 3c004000 3f800000" >in
expect 0 "$RIDGE" num dot mine.yaml:mine
[ "$(cat out)" = 40800000 ]
sed -i 's/add(s, c/add(x, c/' mine.yaml
expect 1 "$RIDGE" num dot mine.yaml
grep -q 'mine.yaml:9' err
