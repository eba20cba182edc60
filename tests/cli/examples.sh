# The worked examples of examples/*.md: every command prints what the page shows, and a page that shows something else is found.
mkdir bin && ln -s "$RIDGE" bin/ridge
PATH=$PWD/bin:$PATH
export RIDGE_DATA="$SRC/data"
"$SRC/examples/run" "$SRC"/examples/*.md || exit 1
cp "$SRC/examples/run" run
page() { printf '```console\n$ echo a 100 b\n%s\n```\n' "$1" >page.md; ./run "$PWD/page.md" >out && echo same || echo other; }
[ "$(page 'a 100.4 b')" = same ]
[ "$(page 'a 101 b')" = other ]
[ "$(page 'a ~108 b')" = same ]
[ "$(page 'a ~115 b')" = other ]
[ "$(page 'a 100 c')" = other ]
[ "$(page 'a 100% b')" = other ]
[ "$(page 'a 100 b
more')" = other ]
printf '```console\n$ echo a; false\na\n```\n' >page.md
! ./run "$PWD/page.md" >out || exit 1
grep -q 'exit code 1' out
