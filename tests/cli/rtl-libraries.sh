# ridge rtl ppa with other libraries than the default: 130 nm, 7 nm, 2 nm. LABELS: long
[ -n "$SHARED" ] && [ -d "$SHARED/liberty" ] || { echo "skipped: shared data absent"; exit 77; }
command -v yosys >/dev/null && command -v sta >/dev/null && command -v xz >/dev/null || { echo "skipped: yosys, sta or xz absent"; exit 77; }
"$RIDGE" rtl gen 'dot(a=e4m3fn,b=e2m1,n=4)' -o unit >/dev/null
one() { # one FOLDER NAND2_UM2 SLOWEST_NS: the unit's gate equivalents lie where eight libraries put them
    packed=$(ls "$SHARED/liberty/$1"/*.xz)
    xz -dc "$packed" >"$1.lib"
    "$RIDGE" rtl ppa unit --liberty "$1.lib" --delay 1000 --json >out
    jq -e --argjson nand "$2" --argjson slowest "$3" '.met and (.area_um2 / .area_ge / $nand - 1 | fabs) < 1e-6
        and .area_ge > 900 and .area_ge < 2200 and .delay_ns > 0.05 and .delay_ns < $slowest' out >/dev/null || { echo "$1:"; cat out; exit 1; }
}
one ihp-sg13g2-typ 7.2576 8
one asap7-rvt-tt 0.08748 1.5
one gt2n-w13-svt-tt 0.018144 1
code=0; "$RIDGE" rtl ppa unit --liberty "$packed" >out 2>err || code=$?
[ $code = 1 ]
grep -q 'packed by xz' err
