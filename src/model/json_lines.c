/* JSON lines. */
#include "model/json_lines.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MAX_LINE_BYTES = 1 << 26 };

rg_status json_line_fail(const json_line *line, rg_error *err, const char *expected, const char *fmt, ...) {
    char where[256], message[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    snprintf(where, sizeof where, "%.230s:%zu", line->name, line->line);
    return rg_fail(err, RG_ERR_PARSE, where, expected, "%s", message);
}

static rg_status take_line(json_line *line, const char *text, size_t size, json_line_fn *take, void *context,
                           rg_error *err) {
    size_t blank = 0;
    while (blank < size && memchr(" \t\r", text[blank], 3)) blank++;
    if (blank == size) return RG_OK;
    if (size > MAX_LINE_BYTES)
        return json_line_fail(line, err, "at most 64 MiB", "a line of %zu bytes", size);
    json_error_t problem;
    json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES, &problem);
    if (!value)
        return json_line_fail(line, err, "one JSON object in each line", "not JSON at column %d: %.150s",
                              problem.column, problem.text);
    line->value = value;
    const rg_status status = take(context, line, err);
    json_decref(value);
    return status;
}

rg_status json_lines_each(const char *name, const char *text, size_t size, json_line_fn *take, void *context,
                          rg_error *err) {
    json_line line = {.name = name};
    for (size_t at = 0; at < size;) {
        const char *newline = memchr(text + at, '\n', size - at);
        const size_t end = newline ? (size_t)(newline - text) : size;
        line.line++;
        RG_TRY(take_line(&line, text + at, end - at, take, context, err));
        at = end + 1;
    }
    return RG_OK;
}
