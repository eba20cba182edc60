/* What comes in by stdin. */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

rg_status cli_read_stdin(char **data, size_t *size, rg_error *err) {
    char *text = NULL;
    size_t n = 0, room = 0, got;
    do {
        if (n + 1 >= room && !rg_grow(&text, &room, n + ((size_t)1 << 16), 1)) {
            free(text);
            return rg_fail(err, RG_ERR_MEMORY, "stdin", NULL, "no memory for more than %zu bytes", n);
        }
        got = fread(text + n, 1, room - n - 1, stdin);
        n += got;
    } while (got > 0);
    if (ferror(stdin)) {
        free(text);
        return rg_fail(err, RG_ERR_IO, "stdin", NULL, "cannot read: %s", strerror(errno));
    }
    text[n] = 0;
    *data = text;
    *size = n;
    return RG_OK;
}
