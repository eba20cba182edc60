/* JSON text: numbers finite, strings valid UTF-8. */
#include "cli.h"

#include <math.h>
#include <stdlib.h>

void cli_print_json_number(rg_str *out, double value) {
    if (!isfinite(value)) {
        rg_str_add(out, "null");
        return;
    }
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    rg_str_add(out, text);
}

/* Bytes of the UTF-8 character at p, 0 where there is none: JSON holds nothing else. */
static int utf8_length(const unsigned char *p) {
    const int n = *p < 0x80 ? 1 : *p < 0xc2 ? 0 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : *p < 0xf5 ? 4 : 0;
    for (int i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    const bool overlong = (*p == 0xe0 && p[1] < 0xa0) || (*p == 0xf0 && p[1] < 0x90);
    const bool no_character = (*p == 0xed && p[1] > 0x9f) || (*p == 0xf4 && p[1] > 0x8f);
    return overlong || no_character ? 0 : n;
}

void cli_print_json_string(rg_str *out, const char *text) {
    rg_str_add(out, "\"");
    int n = 1;
    for (const unsigned char *p = (const unsigned char *)text; *p; p += n > 0 ? n : 1) {
        n = utf8_length(p);
        if (*p == '"' || *p == '\\')
            rg_str_printf(out, "\\%c", *p);
        else if (*p == '\n')
            rg_str_add(out, "\\n");
        else if (*p == '\t')
            rg_str_add(out, "\\t");
        else if (*p < 0x20)
            rg_str_printf(out, "\\u%04x", *p);
        else if (n == 0)
            rg_str_add(out, "\\ufffd");
        else
            rg_str_add_n(out, (const char *)p, (size_t)n);
    }
    rg_str_add(out, "\"");
}

void cli_json_number(rg_str *out, const char *key, double value) {
    rg_str_printf(out, ", \"%s\": ", key);
    cli_print_json_number(out, value);
}

void cli_json_item(rg_str *out, const char *name, const char *unit, double value) {
    const bool first = out->len && out->data[out->len - 1] == '{';
    rg_str_printf(out, "%s\"%s%s\": ", first ? "" : ", ", name, unit);
    cli_print_json_number(out, value);
}

void cli_json_string(rg_str *out, const char *key, const char *text) {
    rg_str_printf(out, ", \"%s\": ", key);
    if (text)
        cli_print_json_string(out, text);
    else
        rg_str_add(out, "null");
}

void cli_json_end(rg_str *out) {
    puts(out->data && !out->failed ? out->data : "null");
    rg_str_free(out);
}
