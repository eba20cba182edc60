/* The lines of claims.jsonl. Whatever is wrong with one is said of that line and stops nothing: the rest of a
   damaged or badly merged file stays readable. */
#include "ledger/ledger.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_LIMIT_BYTES = 1 << 30 };

rg_status ledger_lines_open(ledger_lines *out, const char *path, rg_error *err) {
    struct stat st;
    if (stat(path, &st) != 0)
        return rg_fail(err, RG_ERR_IO, path, "a workspace with claims.jsonl", "cannot open: %s",
                       strerror(errno));
    if (!S_ISREG(st.st_mode)) return rg_fail(err, RG_ERR_IO, path, "a regular file", "not a regular file");
    if (st.st_size > FILE_LIMIT_BYTES)
        return rg_fail(err, RG_ERR_PARSE, path, "at most 1 GiB of claims", "file of %lld bytes",
                       (long long)st.st_size);
    rg_map map = {0};
    if (st.st_size > 0) RG_TRY(rg_map_open(&map, path, err));
    char *data = malloc(map.size + 1); /* a copy: another process may cut the file while it is read */
    if (data && map.size) memcpy(data, map.data, map.size);
    size_t size = map.size;
    rg_map_close(&map);
    if (!data) return rg_fail(err, RG_ERR_MEMORY, path, NULL, "out of memory");
    data[size] = 0;
    *out = (ledger_lines){.data = data, .size = size};
    return RG_OK;
}

void ledger_lines_close(ledger_lines *lines) {
    free(lines->data);
    *lines = (ledger_lines){0};
}

void ledger_copy_text(char *to, size_t size, const char *from) {
    size_t n = strlen(from);
    if (n >= size) {
        n = size - 1;
        while (n && ((unsigned char)from[n] & 0xC0) == 0x80) n--; /* not in the middle of a character */
    }
    memcpy(to, from, n);
    to[n] = 0;
}

static void set_reason(ledger_line *line, const char *what) {
    snprintf(line->reason, sizeof line->reason, "claims.jsonl:%zu: %s", line->number, what);
}

/* Fills line->reason when something is wrong. */
static void check(ledger_line *line, json_t *json) {
    char id[LEDGER_ID_SIZE], what[160];
    const char *stated = json_string_value(json_object_get(json, "id"));
    const char *subject = json_string_value(json_object_get(json, "subject"));
    if (subject) ledger_copy_text(line->subject, sizeof line->subject, subject);
    if (!ledger_is_hex(stated, LEDGER_ID_SIZE - 1)) {
        set_reason(line, "has no id of 16 hexadecimal digits");
        return;
    }
    memcpy(line->id, stated, sizeof line->id);
    const char *wrong = ledger_claim_wrong(json);
    rg_str text = {0};
    ledger_canonical(json, NULL, &text);
    if (text.failed || ledger_id(json, id, NULL) != RG_OK)
        set_reason(line, "is nested too deeply to be a claim");
    else if (strcmp(id, stated) != 0) {
        snprintf(what, sizeof what, "was changed: its content has the id %s, it states %s", id, stated);
        set_reason(line, what);
    } else if (wrong) {
        snprintf(what, sizeof what, "is no claim: %s", wrong);
        set_reason(line, what);
    } else if (text.len != line->size || memcmp(text.data, line->text, text.len) != 0)
        set_reason(line, "was changed: it is not in canonical form");
    rg_str_free(&text);
}

static void parse(ledger_line *line) {
    json_error_t where;
    if (line->size > LEDGER_LINE_BYTES) {
        set_reason(line, "is longer than 1 MiB");
        return;
    }
    json_t *json = json_loadb(line->text, line->size, JSON_REJECT_DUPLICATES, &where);
    if (!json) {
        char what[240];
        snprintf(what, sizeof what, "is not JSON: %.150s", where.text);
        for (char *p = what; *p; p++) /* the message may quote bytes that are no text */
            if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7F) *p = '?';
        set_reason(line, what);
    } else if (!json_is_object(json))
        set_reason(line, "is not a JSON object");
    else
        check(line, json);
    if (!line->reason[0])
        line->claim = json;
    else
        json_decref(json);
}

bool ledger_lines_next(ledger_lines *lines, ledger_line *line) {
    while (lines->at < lines->size) {
        const char *text = lines->data + lines->at;
        const char *end = memchr(text, '\n', lines->size - lines->at);
        size_t n = end ? (size_t)(end - text) : lines->size - lines->at;
        lines->at += n + (end != NULL);
        lines->number++;
        if (n == 0) continue;
        memset(line, 0, sizeof *line);
        line->number = lines->number;
        line->text = text;
        line->size = n;
        parse(line);
        return true;
    }
    return false;
}
