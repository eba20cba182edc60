/* JSON lines: one value in each line of a text, blank lines passed over. */
#ifndef RIDGE_MODEL_JSON_LINES_H
#define RIDGE_MODEL_JSON_LINES_H

#include "ridge/base.h"

#include <jansson.h>

typedef struct json_line {
    const char *name; /* of the file */
    size_t line;      /* 1-based */
    const json_t *value;
} json_line;

typedef rg_status json_line_fn(void *context, const json_line *line, rg_error *err);

/* Calls `take` for every line. Fails for a line that is no JSON, holds a key twice or is over 64 MiB. */
rg_status json_lines_each(const char *name, const char *text, size_t size, json_line_fn *take, void *context,
                          rg_error *err);
/* RG_ERR_PARSE at file:line. */
rg_status json_line_fail(const json_line *line, rg_error *err, const char *expected, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
