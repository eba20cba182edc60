/* JSON text that depends on the content alone. Own code, not a library's printer: ids must not change when a
   library prints numbers or escapes in another way. */
#include "ledger/ledger.h"

#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_real(double value, rg_str *out) {
    char text[40];
    if (value == 0) value = 0; /* no negative zero: as an integer it would read back without its sign */
    if (value == trunc(value) && fabs(value) < 0x1p53) {
        rg_str_printf(out, "%.0f", value);
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    rg_str_add(out, text);
}

static int by_bytes(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_value(const json_t *json, const char *skip, int depth, rg_str *out);

static void add_object(const json_t *json, const char *skip, int depth, rg_str *out) {
    size_t n = json_object_size(json), k = 0;
    const char **keys = calloc(n + 1, sizeof *keys), *key;
    json_t *unused;
    if (!keys) {
        out->failed = true;
        return;
    }
    json_object_foreach((json_t *)(uintptr_t)json, key, unused) keys[k++] = key;
    qsort(keys, k, sizeof *keys, by_bytes);
    rg_str_add(out, "{");
    bool first = true;
    for (size_t i = 0; i < k; i++) {
        if (skip && strcmp(keys[i], skip) == 0) continue;
        if (!first) rg_str_add(out, ",");
        first = false;
        rg_str_add_json(out, keys[i]);
        rg_str_add(out, ":");
        add_value(json_object_get(json, keys[i]), NULL, depth + 1, out);
    }
    rg_str_add(out, "}");
    free(keys);
}

static void add_value(const json_t *json, const char *skip, int depth, rg_str *out) {
    if (depth > LEDGER_DEPTH) { /* claims are flat: only hostile lines are deep */
        out->failed = true;
        return;
    }
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        add_object(json, skip, depth, out);
        break;
    case JSON_ARRAY:
        rg_str_add(out, "[");
        for (size_t i = 0; i < json_array_size(json); i++) {
            if (i) rg_str_add(out, ",");
            add_value(json_array_get(json, i), NULL, depth + 1, out);
        }
        rg_str_add(out, "]");
        break;
    case JSON_STRING:
        rg_str_add_json(out, json_string_value(json));
        break;
    case JSON_INTEGER:
        rg_str_printf(out, "%lld", (long long)json_integer_value(json));
        break;
    case JSON_REAL:
        add_real(json_real_value(json), out);
        break;
    default:
        rg_str_add(out, json_is_true(json) ? "true" : json_is_false(json) ? "false" : "null");
    }
}

void ledger_canonical(const json_t *json, const char *skip, rg_str *out) {
    add_value(json, skip, 0, out);
}

rg_status ledger_id(const json_t *claim, char id[LEDGER_ID_SIZE], rg_error *err) {
    rg_str text = {0};
    ledger_canonical(claim, "id", &text);
    if (text.failed) {
        rg_str_free(&text);
        return rg_fail(err, RG_ERR_MEMORY, NULL, "a flat object", "claim too deep, or out of memory");
    }
    rg_digest digest = rg_sha256(text.data, text.len);
    rg_str_free(&text);
    memcpy(id, digest.hex, LEDGER_ID_SIZE - 1);
    id[LEDGER_ID_SIZE - 1] = 0;
    return RG_OK;
}

bool ledger_is_hex(const char *text, size_t n) {
    return text && strlen(text) == n && strspn(text, "0123456789abcdef") == n;
}
