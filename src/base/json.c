/* JSON strings. */
#include "base/json.h"

void rg_str_add_json(rg_str *s, const char *text) {
    rg_str_add(s, "\"");
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == '"' || *p == '\\')
            rg_str_printf(s, "\\%c", *p);
        else if (*p < 0x20)
            rg_str_printf(s, "\\u%04x", *p);
        else
            rg_str_add_n(s, (const char *)p, 1);
    }
    rg_str_add(s, "\"");
}
