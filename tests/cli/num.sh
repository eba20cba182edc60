# ridge num: list, show, qdq, encode, decode; JSON, sizes, errors and exit codes.
expect() { # expect CODE COMMAND...: runs it, output in out and err; stdin from $in
    want=$1; shift
    code=0; "$@" >out 2>err <"${in:-/dev/null}" || code=$?
    [ $code = $want ] || { echo "exit $code, expected $want: $*"; cat err; exit 1; }
}
floats() { od -An -v -w4 -tfF "$1" | tr -d ' ' | tr '\n' ' ' | sed 's/ $//'; }
hex() { od -An -v -tx1 "$1" | tr -d '\n' | sed 's/^ //'; }
says() { [ "$1" = "$2" ] || { echo "\"$1\", expected \"$2\""; exit 1; }; }
refused() { # refused CODE PART COMMAND...: nothing on stdout, one line on stderr that names PART; the same as JSON
    code=$1 part=$2; shift 2
    expect $code "$@"
    [ ! -s out ] && [ "$(wc -l <err)" = 1 ] || { echo "unclean failure: $*"; cat out err; exit 1; }
    grep -qF -e "$part" err || { echo "no \"$part\" in: $(cat err)"; exit 1; }
    expect $code "$@" --json
    jq -e '.error | .message != "" and has("where") and has("expected")' out >/dev/null
    [ "$(jq -s length out)" = 1 ]
}

# list
expect 0 "$RIDGE" num list
grep -q '^nvfp4 .* 4.500 ' out
expect 0 "$RIDGE" num list --json
[ "$(jq -s length out)" = 1 ]
jq -e '[.formats[] | .name and (.bits | type == "number")] | all' out >/dev/null
for name in fp32 tf32 bf16 fp16 e5m2 e4m3fn e3m2 e2m3 e2m1 int8 int4 int2 mxfp8 mxfp6 mxfp4 nvfp4; do
    jq -e --arg n $name '[.formats[].name] | index($n) != null' out >/dev/null || { echo "no $name"; exit 1; }
done
# every listed format can be shown, and shows under its own name
for name in $(jq -r '.formats[].name' out); do
    "$RIDGE" num show $name | head -1 | grep -qx "$name"
    { "$RIDGE" num show $name --json; printf "{\"name\": \"%s\"}" "$name"; } >>shown
done
jq -se "[range(0; length; 2) as \$i | .[\$i] + .[\$i + 1]] | all(.format == .name and ((.bits <= 8) == (.values != null)) and (.values == null or (.values | length) == pow(2; .bits)))" shown >/dev/null

# show
show() { "$RIDGE" num show "$1" --json | jq -c "$2"; }
says "$(show e4m3fn '[.bits,.bias,.max,.min_normal,.min_subnormal,.has_inf,.has_nan]')" '[8,7,448,0.015625,0.001953125,false,true]'
says "$(show e5m2 '[.bits,.bias,.max,.has_inf,.has_nan,.values[124],.values[252],.values[125]]')" '[8,15,57344,true,true,"Infinity","-Infinity","NaN"]'
says "$(show e5m2 '[.min_normal,.min_subnormal] == [pow(2;-14),pow(2;-16)]')" true
says "$(show e2m1 '.values[0:8]')" '[0,0.5,1,1.5,2,3,4,6]'
says "$(show e2m1 '.values[9:16]')" '[-0.5,-1,-1.5,-2,-3,-4,-6]'
"$RIDGE" num show e2m1 --json | grep -q -e ' -0.0, -0.5'
says "$(show e2m3 '[.bits,.bias,.max,.min_normal,.min_subnormal,.has_inf,.has_nan]')" '[6,1,7.5,1,0.125,false,false]'
says "$(show e3m2 '[.bits,.bias,.max,.min_normal,.min_subnormal]')" '[6,3,28,0.25,0.0625]'
says "$(show fp16 '[.bits,.bias,.max,.has_inf,.values]')" '[16,15,65504,true,null]'
says "$(show int4 '[.bits,.bias,.max,.values[7],.values[9],.block,.scale,.bits_per_element]')" '[4,null,7,7,-7,32,"fp16",4.5]'
says "$(show mxfp4 '[.bits,.block,.scale,.bits_per_element,.has_tensor_scale]')" '[4,32,"e8m0",4.25,false]'
says "$(show nvfp4 '[.bits,.block,.scale,.bits_per_element,.has_tensor_scale]')" '[4,16,"e4m3fn",4.5,true]'
says "$(show 'mx(e4m3fn,32,e8m0)@rne(scale=even)' '[.format,.bits_per_element]')" '["mxfp8",8.25]'
says "$(show 'int2(asym,group=32,scale=fp16)' '[.max,.values]')" '[3,[0,1,2,3]]'
says "$(show smx9 '[.bits,.block,.sub_block,.shift_bits,.bits_per_element]')" '[8,16,2,1,9]'
says "$(show hif8 '[.max,.has_inf,.has_nan,.values[110],.values[111],.values[128]]')" '[32768,true,true,32768,"Infinity","NaN"]'
says "$(show binary8p4se '[.bias,.max,.has_inf,.has_nan,.values[127],.values[128]]')" '[8,224,true,true,"Infinity","NaN"]'
# beyond double: null, and a power of two for people
says "$(show binary16p1se '[.max,.max_exponent,.min_normal]')" '[null,16382,null]'
"$RIDGE" num show binary16p1se | grep -q 'max  *2^16382$'
"$RIDGE" num show binary16p1se | grep -q 'min normal  *2^-16383$'

# qdq: 1.5 -0.75 100 -0 0.3 5 2^-20 -7, little endian
printf '\0\0\300\77\0\0\100\277\0\0\310\102\0\0\0\200\232\231\231\76\0\0\240\100\0\0\200\65\0\0\340\300' >values
in=values
expect 0 "$RIDGE" num qdq fp32
cmp out values
expect 0 "$RIDGE" num qdq e2m1
says "$(floats out)" '1.5 -1 6 -0 0.5 4 0 -6'
grep -q '^ridge: e2m1: 0 NaN, 0 infinite, 2 overflowing of 8 values$' err
expect 0 "$RIDGE" num qdq mxfp4
says "$(floats out)" '0 -0 96 -0 0 8 0 -8'
expect 0 "$RIDGE" num qdq mxfp4 --row 2
says "$(floats out)" '1.5 -0.75 96 -0 0.5 4 0 -6'
expect 0 "$RIDGE" num qdq 'int2(sym,tensor,scale=fp32)' --row 4
says "$(floats out)" '0 0 100 0 0 0 0 0' # the stream is one tensor, whatever its rows
expect 0 "$RIDGE" num qdq 'int2(sym,row,scale=fp32)' --row 4
says "$(floats out)" '0 0 100 0 0 7 0 -7'
expect 0 "$RIDGE" num qdq nvfp4 --row 4
cp out matrix
head -c 16 values | "$RIDGE" num qdq nvfp4 >part
head -c 16 matrix | cmp - part # the first half holds the largest value
# NaN and infinities: counted, the largest finite value, NaN where the format has it
printf '\0\0\300\177\0\0\200\377\0\0\200\177' >special
in=special
expect 0 "$RIDGE" num qdq e2m1
says "$(floats out)" '6 -6 6'
grep -q '1 NaN, 2 infinite, 0 overflowing of 3' err
expect 0 "$RIDGE" num qdq e4m3fn
says "$(floats out | sed 's/-nan/nan/')" 'nan -448 448'
expect 0 "$RIDGE" num qdq fp32
cmp out special

# encode and decode: codes unpacked in 1, 2 or 4 bytes; decoding gives what qdq gives
in=values
expect 0 "$RIDGE" num encode e2m1
says "$(hex out)" '03 0a 07 08 01 06 00 0f'
expect 0 "$RIDGE" num encode bf16
says "$(hex out)" 'c0 3f 40 bf c8 42 00 80 9a 3e a0 40 80 35 e0 c0'
expect 0 "$RIDGE" num encode mxfp4 --row 2 --scales scales
says "$(hex scales)" '7d 83 7f 7f' # 2^(0-2) 2^(6-2) 2^(2-2) 2^(2-2)
for format in fp32 tf32 bf16 fp16 e5m2 e4m3fn e3m2 e2m3 e2m1 'e4m3fn(scale=tensor)' 'e4m3fn(scale=row)' int8 int4 \
    'int2(sym,tensor,scale=fp16)' 'int4(asym,group=3,scale=fp16)' mxfp8 mxfp6 mxfp4 'mxfp4@rne(scale=even)' nvfp4 \
    'nvfp4@rne(scale=4over6)'; do
    for row in "" "--row 4" "--row 1" "--row 8"; do
        in=values
        expect 0 "$RIDGE" num qdq "$format" $row
        cp out want
        expect 0 "$RIDGE" num encode "$format" $row --scales scales
        cp out codes
        in=codes
        expect 0 "$RIDGE" num decode "$format" $row --scales scales
        cmp out want || { echo "$format $row: decode(encode(x)) is not qdq(x)"; exit 1; }
    done
done
in=values
expect 0 "$RIDGE" num encode nvfp4 --row 4 --scales scales
[ "$(wc -c <scales)" = 6 ] # fp32 tensor scale, two block scales
expect 0 "$RIDGE" num encode int4 --row 4 --scales scales
[ "$(wc -c <scales)" = 4 ]
rm scales
expect 0 "$RIDGE" num encode e4m3fn --scales scales # none: an empty file
[ ! -s scales ]
[ -f scales ]

# nothing in, nothing out
unset in
for format in e4m3fn mxfp4 nvfp4; do
    expect 0 "$RIDGE" num qdq $format
    [ ! -s out ]
    expect 0 "$RIDGE" num encode $format --scales scales
    expect 0 "$RIDGE" num decode $format --scales scales
    [ ! -s out ]
done

# errors
refused 2 'e9m9' "$RIDGE" num show e9m9
refused 2 'int99' "$RIDGE" num qdq int99
refused 2 '--row' "$RIDGE" num qdq e4m3fn --row 0
refused 2 '--row' "$RIDGE" num qdq e4m3fn --row 1.5
refused 2 'FORMAT' "$RIDGE" num decode
# certify
says "$("$RIDGE" num certify 'posit(8,2)' --json | jq -r .crc32)" "$(sed -n 's/^posit(8,2)@rne;//p' "$SRC/tests/data/certificates.csv")"
refused 2 'certificate' "$RIDGE" num certify mxfp4

head -c 7 values >odd
in=odd
refused 1 '7 bytes' "$RIDGE" num qdq e4m3fn
refused 1 '7 bytes' "$RIDGE" num encode e4m3fn --scales never
refused 1 '7 bytes' "$RIDGE" num decode bf16
in=values
refused 1 '32 bytes' "$RIDGE" num qdq e4m3fn --row 3
refused 1 '32 bytes' "$RIDGE" num encode mxfp4 --row 5 --scales never
refused 1 'no-such-dir' "$RIDGE" num encode mxfp4 --scales no-such-dir/scales
[ ! -e never ]
expect 0 "$RIDGE" num encode mxfp4 --row 4 --scales scales
cp out codes
in=codes
refused 2 '--scales' "$RIDGE" num decode mxfp4 --row 4
refused 1 'scales: 2 bytes' "$RIDGE" num decode mxfp4 --scales scales
refused 1 'scales: 2 bytes' "$RIDGE" num decode e2m1 --scales scales
refused 1 'no-such-file' "$RIDGE" num decode mxfp4 --row 4 --scales no-such-file
printf '\1\20' >wild
in=wild
refused 1 'stdin@byte 1' "$RIDGE" num decode e2m1
unset in

# an output that cannot be written
if [ -w /dev/full ]; then
    code=0; "$RIDGE" num qdq e4m3fn <values >/dev/full 2>err || code=$?
    [ $code = 1 ]
    grep -q 'stdout' err
fi
head -c 1000000 /dev/zero >zeros
{ "$RIDGE" num qdq e4m3fn <zeros 2>err; echo $? >code; } | head -c 4 >head
[ "$(wc -c <head)" = 4 ] && [ ! -s err ] || grep -q stdout err
