# ridge num explain: shares, JSON, files, errors.
"$RIDGE" num explain --a mxfp4 --b mxfp8 >out
grep -q '^  a.clipping  ' out
grep -q '^  largest: a.rounding. What helps: ' out
# the example of --help is what the program prints
"$RIDGE" num explain --help | grep -E '^ *(a|b)\.(rounding|scale|clipping) ' | sed 's/^ *//' >example
[ "$(wc -l <example)" = 5 ]
sed 's/^ *//' out >lines
while read -r line; do grep -qxF "$line" lines || { echo "not printed: $line"; exit 1; }; done <example

"$RIDGE" num explain --a nvfp4 --k 2048 --rows 16 --cols 8 --json >out
[ "$(jq -s length out)" = 1 ]
jq -e '(.parts | length == 7) and (([.parts[].share] | add) - 1 | fabs < 1e-9)' out >/dev/null
jq -e '.a == "nvfp4" and .b == "nvfp4" and .datapath == null and .rows == 16 and .cols == 8 and .k == 2048' out >/dev/null
jq -e '(.a_sqnr_db > 20 and .a_sqnr_db < 21) and (.advice | length > 0)' out >/dev/null

# a datapath with few fraction bits shows in the sum alone
part() { jq -r ".parts[] | select(.part == \"$1\") | .rms" $2; }
for dp in h100-e4m3-wgmma 'dot(a=e4m3fn,b=e4m3fn,n=32,align=25,acc=fp32@rz)'; do
    "$RIDGE" num explain --a 'e4m3fn(scale=row)' --k 4096 --rows 8 --cols 8 --dp "$dp" --json >"$(echo "$dp" | cut -c1-4)"
done
awk "BEGIN { exit !($(part accumulation h100) > 100 * $(part accumulation 'dot(')) }"
[ "$(part a.rounding h100)" = "$(part a.rounding 'dot(')" ]

# files; nothing lost
printf '\0\0\200\77\0\0\0\100' >x # 1 2
cat x x >y
"$RIDGE" num explain --a e4m3fn --k 2 --a-data x --b-data y --json >out
jq -e '.rows == 1 and .cols == 2 and .error_rms == 0 and .sqnr_db == null and .largest == null and .parts[0].share == null' out >/dev/null
"$RIDGE" num explain --a e4m3fn --k 2 --a-data x --b-data y | grep -q 'error          none'

refused() { # refused CODE PART ARGUMENTS...
    want=$1 part=$2; shift 2
    code=0; "$RIDGE" num explain "$@" >out 2>err || code=$?
    [ $code = $want ] && [ ! -s out ] && grep -qF -e "$part" err || { echo "exit $code: $*"; cat out err; exit 1; }
}
refused 2 e9m9 --a e9m9
refused 2 "option -a is needed" --b mxfp4
refused 2 cauchy --a mxfp4 --dist cauchy
refused 1 "8 bytes" --a mxfp4 --k 3 --a-data x
refused 2 "mxfp4" --a mxfp4 --dp h100-e4m3-wgmma
printf '\0\0\200\177' >inf
refused 2 "a[0][0]" --a mxfp4 --k 1 --a-data inf
printf '\0\0\0\0' >zero
refused 2 "all zeros" --a mxfp4 --k 1 --a-data zero
