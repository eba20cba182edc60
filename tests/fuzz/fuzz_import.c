/* Results from elsewhere: what any reader takes must compare with itself. Task sets and dumps, too. */
#include <stdlib.h>

#include "model/choice.h"
#include "model/dump.h"
#include "ridge/import.h"

static void as_form(const char *form, const char *text, size_t size) {
    const rg_import_options options = {.form = form};
    static rg_import_result result;
    rg_import *import = NULL;
    rg_error err;
    if (rg_import_parse(&import, "fuzz", text, size, &options, &err) != RG_OK) return;
    if (rg_import_compare(import, import, &result, &err) == RG_OK && result.has_verdict &&
        result.verdict != RG_EQUAL && result.verdict != RG_CANNOT_TELL)
        abort();
    if (rg_import_compare(NULL, import, &result, &err) != RG_OK && err.status == RG_OK) abort();
    rg_import_close(import);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* has no header */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    choice_set set;
    rg_error err;
    const char *form;
    as_form(NULL, (const char *)data, size);
    for (size_t i = 0; (form = rg_import_form(i, NULL)); i++) as_form(form, (const char *)data, size);
    if (choice_set_read(&set, "fuzz", (const char *)data, size, &err) == RG_OK) choice_set_free(&set);
    rg_arena arena = {0};
    dump d;
    if (dump_parse(&d, "fuzz", (const char *)data, size, &arena, &err) == RG_OK)
        for (size_t i = 0; i < d.n; i++)
            if (dump_find(&d, d.node[i].name) != i) abort();
    rg_arena_free(&arena);
    return 0;
}
