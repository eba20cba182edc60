# ridge perf lint: a folder with a copy, a sentinel and a file that is no table; what a fit says of its table
mkdir -p t/net
printf 'gemm_dtype,m,n,k,latency_ms\nbfloat16,8192,8192,8192,1.5\nbfloat16,8192,8192,8192,0.9\nbfloat16,1,4096,4096,0.0099\n' >t/gemm_h100.csv
cp t/gemm_h100.csv t/gemm_a100.csv
printf 'a,b\n1,2,3\n' >t/net/odd.csv
printf 'ttft_ms,tpot_ms,concurrency\n0.0,9,1\n70,9,2\n' >t/served.csv
"$RIDGE" perf lint t --json >out
jq -e '.files == 3 and .rows == 8' out >/dev/null || { cat out; exit 1; }
jq -e '[.findings[] | (.check, .file, .what, .cause | type == "string" and length > 0) and (.rows | length) == .n and (.action | test("^(kept|reported|left out)$"))] | all' out >/dev/null
found() { jq -e --arg c "$1" --arg f "$2" "[.findings[] | select(.check == \$c and .file == \$f)] | length == 1 and (.[0] | $3)" out >/dev/null || { echo "$1 $2"; cat out; exit 1; }; }
found duplicate_file gemm_h100.csv '.n == 0 and .action == "left out"'
found unreadable net/odd.csv '.what | test("odd.csv:2")'
found zero_time served.csv '.rows == [1]'
found faster_than_compute gemm_h100.csv '.rows == [2] and .action == "left out"'
found in_cache gemm_h100.csv '.rows == [3] and .action == "kept"'
found repeated_key gemm_h100.csv '.rows == [1, 2]'
# as said, not as the name says
"$RIDGE" perf lint t/gemm_h100.csv --chip b200 --json | jq -e '[.findings[].check] | index("faster_than_compute") == null' >/dev/null
"$RIDGE" perf lint t/gemm_h100.csv --set memory.bandwidth=x0.5 --chip h100 | grep -q 'up to 2.02 times (m 1, n 4096, k 4096)'
"$RIDGE" perf lint t/gemm_h100.csv >text
grep -q '^gemm_h100.csv: in_cache, 1 row from 3 (kept)$' text
grep -q '^1 table, 3 rows, 3 findings$' text
failed() { code=0; "$RIDGE" perf "$@" >out 2>err || code=$?; [ $code = $want ] && [ ! -s out ] && grep -q -- "$words" err || { cat out err; exit 1; }; }
want=1 words='a row of another length' failed lint t/net/odd.csv
cp t/gemm_h100.csv unnamed.csv
"$RIDGE" perf lint unnamed.csv --json | jq -e '[.findings[].check] | index("no_chip") != null' >/dev/null || { echo "no word that nothing was checked"; exit 1; }
mkdir empty
want=1 words='no tables' failed lint empty
want=1 words=absent failed lint absent.csv
want=2 words='gemm, attention_prefill' failed lint t --op gemv
want=2 words='unknown chip' failed lint t --chip h1000
# a fit lints first
awk 'BEGIN { print "gemm_dtype,m,n,k,latency_ms"
  for (m = 1; m <= 4096; m *= 4) for (n = 256; n <= 16384; n *= 2) for (k = 256; k <= 16384; k *= 2)
    printf "bfloat16,%d,%d,%d,%.6g\n", m, n, k, 0.003 + 2*(m*n+n*k+m*k)/2.8e9 + 2*m*n*k/6e11
  print "bfloat16,1,16384,16384,0.02" }' >law.csv
"$RIDGE" perf fit law.csv --chip h100 --op gemm --json >fit
jq -e '.lint.used == .lint.rows - 1 and .lint.faster_than_cache == 1 and ([.lint.findings[] | select(.check == "faster_than_memory") | .rows == [344]] == [true])' fit >/dev/null || { cat fit; exit 1; }
