/* JSON pointers (RFC 6901). */
#include "ledger/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One token without its escapes (~1 is '/', ~0 is '~'); false when it is too long or wrongly escaped. */
static bool token(const char *p, size_t n, char *to, size_t size) {
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        if (k + 1 >= size) return false;
        if (p[i] != '~') {
            to[k++] = p[i];
            continue;
        }
        if (++i >= n || (p[i] != '0' && p[i] != '1')) return false;
        to[k++] = p[i] == '0' ? '~' : '/';
    }
    to[k] = 0;
    return true;
}

static json_t *element(const json_t *list, const char *text) {
    size_t n = strlen(text);
    if (n == 0 || n > 9 || strspn(text, "0123456789") != n || (n > 1 && *text == '0')) return NULL;
    return json_array_get(list, strtoul(text, NULL, 10));
}

json_t *ledger_pointer(json_t *root, const char *pointer) {
    json_t *at = root;
    for (const char *p = pointer; at && *p;) {
        if (*p++ != '/') return NULL;
        size_t n = strcspn(p, "/");
        char key[512];
        if (!token(p, n, key, sizeof key)) return NULL;
        at = json_is_array(at) ? element(at, key) : json_object_get(at, key);
        p += n;
    }
    return at;
}
