/* Status names and the error record. */
#include "ridge/base.h"

#include <stdio.h>
#include <string.h>

const char *rg_status_name(rg_status status) {
    static const char *const names[RG_STATUS_END] = {"ok",     "usage", "parse",    "io",       "unsupported",
                                                     "memory", "tool",  "mismatch", "cancelled"};
    return status >= 0 && status < RG_STATUS_END ? names[status] : "unknown";
}

rg_status rg_fail(rg_error *err, rg_status status, const char *where, const char *expected, const char *fmt,
                  ...) {
    if (!err) return status;
    rg_error e = {.status = status};
    va_list args;
    va_start(args, fmt);
    vsnprintf(e.message, sizeof e.message, fmt, args);
    va_end(args);
    snprintf(e.where, sizeof e.where, "%s", where ? where : "");
    snprintf(e.expected, sizeof e.expected, "%s", expected ? expected : "");
    *err = e; /* last, so that `where` may point into *err */
    return status;
}
