# ridge rtl: gen, verify, ppa as the README has them; faults in the Verilog, missing tools, bad libraries and folders.
expect() { # expect CODE COMMAND...: runs it, output in out and err
    want=$1; shift
    code=0; "$@" >out 2>err </dev/null || code=$?
    [ $code = $want ] || { echo "exit $code, expected $want: $*"; cat out err; exit 1; }
}
one_line() { # the error is one line and has these words
    [ "$(wc -l <err)" = 1 ] && grep -qF "$1" err || { echo "no single line with \"$1\":"; cat err; exit 1; }
}

# usage errors: 2, the part that is wrong, nothing written
expect 2 "$RIDGE" rtl gen 'dot(a=int8,b=int8)' -o bad
one_line 'lacks n='
expect 2 "$RIDGE" rtl gen 'dot(a=int8,b=int9x,n=4)' -o bad
one_line 'int9x'
expect 2 "$RIDGE" rtl gen 'dot(a=int8,b=int8,n=4)'
one_line 'o is needed'
expect 2 "$RIDGE" rtl gen 'dot(a=int8,b=int8,n=400)' -o bad --json
jq -e '.error.message and .error.expected' out >/dev/null
[ ! -e bad ]

expect 0 "$RIDGE" rtl gen 'dot(a=e4m3fn,b=e2m1,n=2)' -o unit --json
jq -e '.unit == "dot(a=e4m3fn,b=e2m1,n=2)" and .exact' out >/dev/null
expect 0 "$RIDGE" rtl gen 'dot(a=mxfp8,b=nvfp4,n=2)' -o same
diff -r unit same
# folders that are no units
expect 1 "$RIDGE" rtl verify nowhere
one_line 'nowhere/unit.json'
expect 1 "$RIDGE" rtl ppa . --json
jq -e '.error.where | test("unit.json")' out >/dev/null
[ "$(jq -s length out)" = 1 ]
expect 2 "$RIDGE" rtl ppa unit --delay=-1
one_line 'delay'

command -v iverilog >/dev/null || { echo "skipped: iverilog is not installed (the rest passed)"; exit 77; }
expect 0 "$RIDGE" rtl verify unit --json
jq -e '. == {vectors: 65536, mismatches: 0, exhaustive: false, simulator: .simulator} and (.simulator | test("iverilog"))' out >/dev/null
expect 0 "$RIDGE" rtl verify unit
# one bit of the Verilog: reported, exit 1, and still one JSON object
top=unit/rtl/dot_e4m3fn_e2m1_n2.v
cp $top good.v
sed 's/\(g1 = .*\)5.d2/\15'"'"'d3/' good.v >$top
cmp -s good.v $top && { echo "nothing was mutated"; exit 1; }
expect 1 "$RIDGE" rtl verify unit --json
jq -e '.mismatches > 0 and .vectors == 65536' out >/dev/null
[ "$(jq -s length out)" = 1 ]
one_line 'vectors differ from the C datapath; the first is vector'
cp good.v $top
# stimulus that is not the generated one
sed -i '7s/^./f/;8s/^./0/' unit/sim/vectors.hex
expect 1 "$RIDGE" rtl verify unit
one_line 'sim/vectors.hex'
# without tools: the tool's name
mkdir empty
expect 1 env PATH="$PWD/empty" "$RIDGE" rtl verify same
one_line 'iverilog'
expect 1 env PATH="$PWD/empty" "$RIDGE" rtl ppa same --liberty "$SRC/README.md"
one_line 'README.md:1'
expect 1 "$RIDGE" rtl ppa same --liberty nowhere.lib
one_line 'nowhere.lib'

library=/usr/share/qflow/tech/osu018/osu018_stdcells.lib
for tool in yosys sta; do
    command -v $tool >/dev/null || { echo "skipped: $tool is not installed (the rest passed)"; exit 77; }
done
[ -r $library ] || { echo "skipped: qflow-tech-osu018 is not installed (the rest passed)"; exit 77; }
expect 1 env PATH="$PWD/empty" "$RIDGE" rtl ppa same
one_line 'yosys'
expect 1 "$RIDGE" rtl ppa same --limit 0.001
one_line 'longer than'
[ ! -d same/syn ] || [ -z "$(ls -A same/syn)" ]
expect 0 "$RIDGE" rtl ppa same --delay 14 --json
jq -e '(keys == ["area_ge", "area_um2", "cells", "delay_ns", "library_sha256", "met", "tools"]) and .met and .delay_ns < 14
       and (.area_um2 / 24 - .area_ge | fabs) < 1e-9 and (.tools | test("Yosys.*OpenSTA"))' out >/dev/null
[ "$(jq -r .library_sha256 out)" = "$(sha256sum $library | cut -d' ' -f1)" ]
mv out first
# the same from scratch
rm -rf same/syn
expect 0 "$RIDGE" rtl ppa same --delay 14 --json
cmp first out
expect 0 "$RIDGE" rtl ppa same --delay 0.1 --json
jq -e '.met | not' out >/dev/null
expect 0 "$RIDGE" rtl ppa same
grep -q '^fastest: ' out
# a library packed by gzip is the same library
gzip -c $library >osu.lib.gz
expect 0 "$RIDGE" rtl ppa same --liberty osu.lib.gz --delay 14 --json
[ "$(jq .area_um2 out)" = "$(jq .area_um2 first)" ]
