# cmake --install: the program finds the data beside it wherever the folder lies; man page, completion, pkg-config file.
build=$(dirname "$RIDGE")
[ -e "$build/libridge.so" ] && [ -e "$build/ridge.1" ] || { echo "skipped: the build is not complete"; exit 77; }
cmake --install "$build" --prefix "$PWD/first" >/dev/null
mv first there
ls there/bin/ridge there/include/ridge/num.h there/share/man/man1/ridge.1 \
    there/share/bash-completion/completions/ridge >/dev/null

# its own data, not those of the build: a model that only this folder has
mv there/share/ridge/models/llama-2-7b.yaml there/share/ridge/models/renamed.yaml
ln -s there/bin/ridge link
for program in there/bin/ridge ./link; do
    [ "$(env -u RIDGE_DATA $program model show renamed --json | jq .parameters_total)" = 6738415616 ]
done
[ "$(echo 3c003c00 3c004000 3f800000 | env -u RIDGE_DATA there/bin/ridge num dot h100-fp16)" = 40800000 ]

pc=$(find "$PWD/there" -name ridge.pc)
command -v pkg-config >/dev/null || { echo "skipped: pkg-config is not installed (the rest passed)"; exit 77; }
if grep -q 'RIDGE_SANITIZE:BOOL=ON' "$build/CMakeCache.txt"; then exit 0; fi
cat >use.c <<'E2'
#include <ridge/num.h>
#include <stdio.h>
int main(void) {
    rg_quant quant;
    char text[RG_QUANT_TEXT];
    if (rg_quant_parse("mx(e2m1,32,e8m0)@rz", &quant, NULL) != RG_OK) return 1;
    rg_quant_print(&quant, text, sizeof text);
    return puts(text) < 0;
}
E2
export PKG_CONFIG_PATH=$(dirname "$pc")
${CC:-cc} -std=c17 -Wall -Werror use.c -o use $(pkg-config --cflags --libs ridge)
[ "$(LD_LIBRARY_PATH=$(pkg-config --variable=libdir ridge) ./use)" = mxfp4@rz ]
