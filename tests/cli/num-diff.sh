# ridge num diff: profiles and texts, JSON, the list, errors.
says() { [ "$1" = "$2" ] || { echo "\"$1\", expected \"$2\""; exit 1; }; }
diff_json() { "$RIDGE" num diff "$@" --json >out; [ "$(jq -s length out)" = 1 ]; }
refused() { # refused PART ARGUMENTS...: exit 2, PART on stderr, and the same as JSON
    part=$1; shift
    code=0; "$RIDGE" num diff "$@" >out 2>err || code=$?
    [ $code = 2 ] && [ ! -s out ] || { echo "exit $code: $*"; exit 1; }
    grep -qF -e "$part" err || { echo "no \"$part\" in: $(cat err)"; exit 1; }
    "$RIDGE" num diff "$@" --json >out 2>err || :
    jq -e '.error | .message != "" and has("where") and has("expected")' out >/dev/null
}

diff_json cpfloat ocp --format e4m3fn
says "$(jq -c '[.differences,.inputs,.compared,.first_witness,.smallest_witness]' out)" '[2097150,4294967296,"values","0x43e80001","0x43e80001"]'
jq -e '.share == .differences / .inputs and (.cause | startswith("overflow above 464: 480 against NaN"))' out >/dev/null
jq -e '.a == "cpfloat" and .b_quant == "e4m3fn@rne(sat=ocp)" and .a_value == 480 and .b_value == "NaN"' out >/dev/null
diff_json e5m2'@rne(via=fp16)' e5m2
says "$(jq -c '[.differences,.positive_differences,.first_witness,.a_code,.b_code,.kinds["beside a tie"]]' out)" '[1105920,552960,"0x37000001","0x00","0x01",1105920]'
diff_json e5m2 e5m2
says "$(jq -c '[.differences,.share,.first_witness,.smallest_witness,.cause]' out)" '[0,0,null,null,"no difference"]'

# formats with scales: witnesses are rows of values
diff_json microxcaling-even ocp --format mxfp4
says "$(jq -c '[.amax_differences,(.smallest_witness|length),.kinds.scale > 0]' out)" '[7404,1,true]'
diff_json te torchao --format nvfp4
jq -e '.code_share > 0.0010 and .code_share < 0.0016 and .scale_share > 0.0066 and .scale_share < 0.011' out >/dev/null
jq -e '.kinds["least scale"] >= 39 and .kinds["least scale"] <= 47 and .scales == 262144' out >/dev/null
diff_json te torchao --format nvfp4 --input gaussian --values 4096 --seed 3
says "$(jq -c .inputs out)" 4096

# the format of the one that is spelt out; every format that two profiles share
diff_json ml_dtypes e2m1
says "$(jq -c '[.differences,.format]' out)" '[16777214,"e2m1"]'
diff_json ml_dtypes cuda13
says "$(jq -c '[.formats[].format]' out)" '["bf16","e5m2","e4m3fn","e3m2","e2m3","e2m1","e8m0"]'
"$RIDGE" num diff ml_dtypes cuda13 --format e2m1 | grep -q '^  cause  *NaN: -0 or 0 against 6 (16777214)$'

"$RIDGE" num diff --list | grep -q '^ml_dtypes: '
"$RIDGE" num diff --list --json >out
for name in ocp cuda13 ml_dtypes torchao te microxcaling cpfloat quark p3109 universal trainium; do
    jq -e --arg n $name '.profiles[] | select(.name == $n) | .library != "" and (.formats | length > 0)' out >/dev/null
done

refused 'no profile, and as a format: unknown "sat=nothing"' cuda13 'e4m3fn@rne(sat=nothing)'
refused 'behaviours' cuda13
refused 'behaviours' cuda13 ocp --list
refused 'has no "posit(8,1)"' cuda13 'posit(8,1)'
refused 'no format in common' cuda13 quark
refused '"cuda99" is no profile' cuda99 ocp --format e5m2
refused 'unknown input' mxfp4 mxfp6 --input all
code=0; "$RIDGE" num diff 'e4m3fn@sra(8)' e4m3fn >out 2>err || code=$?
[ $code = 1 ]
grep -q stochastic err

# a wrong file of the data folder is named by its line
mkdir -p data/profiles
printf 'library: L\nversion: v\nsource: s\nprofiles:\n  a:\n    summary: s\n    formats:\n      e5m2: {quant: e9m9, source: s}\n' >data/profiles/x.yaml
code=0; "$RIDGE" num diff a e5m2 --data data >out 2>err || code=$?
[ $code = 1 ]
grep -q 'x.yaml:8 (profiles.a.formats.e5m2.quant)' err
