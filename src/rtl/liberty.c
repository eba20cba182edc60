/* A scanner of Liberty text (statements "name : value ;", "name (values) ;", groups "name (values) { ... }")
   that keeps a few facts per cell. It judges structure only; the tools read the rest. */
#include "rtl/liberty.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 24 };

typedef struct cell {
    char name[64], pin[2][32], function[256];
    double area, capacitance;
    int n_inputs, n_outputs;
    bool barred; /* dont_use, or stateful */
} cell;

typedef struct scan {
    const char *p, *end, *path;
    int line;
    rtl_liberty lib;
    double ff_per_unit;
    cell cell;
    char pin[32];
    bool pin_is_output;
    double pin_capacitance, nand2_any_um2, buffer_um2;
    bool nand2_is_drive_1;
} scan;

static rg_status broken(scan *s, const char *expected, const char *what, rg_error *err) {
    char where[256];
    snprintf(where, sizeof where, "%.240s:%d", s->path, s->line);
    return rg_fail(err, RG_ERR_PARSE, where, expected, "%s", what);
}

static void skip_space(scan *s) {
    while (s->p < s->end) {
        const size_t left = (size_t)(s->end - s->p);
        if (left > 1 && s->p[0] == '/' && s->p[1] == '*') {
            const char *stop = memmem(s->p + 2, left - 2, "*/", 2);
            stop = stop ? stop + 2 : s->end;
            for (; s->p < stop; s->p++) s->line += *s->p == '\n';
        } else if (left > 1 && s->p[0] == '/' && s->p[1] == '/') {
            while (s->p < s->end && *s->p != '\n') s->p++;
        } else if (isspace((unsigned char)*s->p) || *s->p == '\\') {
            s->line += *s->p++ == '\n';
        } else {
            return;
        }
    }
}

static int peek(scan *s) {
    skip_space(s);
    return s->p < s->end ? (unsigned char)*s->p : 0;
}

/* A word or a string in quotes, cut to what fits; false when there is neither. */
static bool read_word(scan *s, char *buf, size_t size) {
    size_t n = 0;
    const int first = peek(s);
    if (first == '"') {
        for (s->p++; s->p < s->end && *s->p != '"'; s->p++) {
            s->line += *s->p == '\n';
            if (n + 1 < size) buf[n++] = *s->p;
        }
        if (s->p == s->end) return false;
        s->p++;
        buf[n] = 0;
        return true;
    }
    for (; s->p < s->end && !isspace((unsigned char)*s->p) && !strchr(":;,(){}\"\\", *s->p); s->p++)
        if (n + 1 < size) buf[n++] = *s->p;
    buf[n] = 0;
    return n > 0;
}

/* "1" where a drive strength stands: NAND2X1, nand2_1, NAND2x1_ASAP7, ND2D1, not NAND2X10, NAND2x1p5. */
static bool is_drive_1(const char *name) {
    for (const char *p = name; *p; p++)
        if (strchr("xX_D", *p) && p[1] == '1' && !isdigit((unsigned char)p[2]) && p[2] != 'p') return true;
    return false;
}

static void end_pin(scan *s) {
    cell *c = &s->cell;
    if (s->pin_is_output) {
        c->n_outputs++;
        return;
    }
    if (c->n_inputs < 2) snprintf(c->pin[c->n_inputs], sizeof c->pin[0], "%s", s->pin);
    c->capacitance += s->pin_capacitance;
    c->n_inputs++;
}

static void end_cell(scan *s) {
    const cell *c = &s->cell;
    s->lib.n_cells++;
    if (c->barred || c->n_outputs != 1 || !c->function[0] || !(c->area > 0)) return;
    if (c->n_inputs == 1 && rtl_liberty_table(c->function, c->pin[0], NULL) == 10 &&
        (!s->lib.buffer[0] || c->area < s->buffer_um2)) {
        s->buffer_um2 = c->area;
        snprintf(s->lib.buffer, sizeof s->lib.buffer, "%s", c->name);
    }
    if (c->n_inputs != 2 || rtl_liberty_table(c->function, c->pin[0], c->pin[1]) != 7) return;
    const bool drive_1 = is_drive_1(c->name);
    if (s->lib.nand2[0] && (drive_1 == s->nand2_is_drive_1 ? c->area >= s->lib.nand2_um2 : !drive_1)) return;
    s->nand2_is_drive_1 = drive_1;
    s->lib.nand2_um2 = c->area;
    s->lib.nand2_ff = c->capacitance / 2;
    snprintf(s->lib.nand2, sizeof s->lib.nand2, "%s", c->name);
}

static void take_value(scan *s, int depth, const char *group, const char *name, const char *value) {
    if (depth == 2 && strcmp(group, "cell") == 0) {
        if (strcmp(name, "area") == 0) s->cell.area = strtod(value, NULL);
        if (strcmp(name, "dont_use") == 0) s->cell.barred |= strcmp(value, "true") == 0;
    }
    if (depth != 3 || strcmp(group, "pin") != 0) return;
    if (strcmp(name, "direction") == 0) s->pin_is_output = strcmp(value, "input") != 0;
    if (strcmp(name, "capacitance") == 0) s->pin_capacitance = strtod(value, NULL);
    if (strcmp(name, "function") == 0) snprintf(s->cell.function, sizeof s->cell.function, "%s", value);
    if (strcmp(name, "three_state") == 0) s->cell.barred = true;
}

static void begin_group(scan *s, int depth, const char *name, const char *first) {
    if (depth == 2 && strcmp(name, "cell") == 0) {
        s->cell = (cell){0};
        snprintf(s->cell.name, sizeof s->cell.name, "%.60s", first);
    } else if (depth == 3 && strcmp(name, "pin") == 0) {
        snprintf(s->pin, sizeof s->pin, "%.30s", first);
        s->pin_is_output = false;
        s->pin_capacitance = 0;
    } else if (depth == 3 &&
               (strcmp(name, "ff") == 0 || strcmp(name, "latch") == 0 || strcmp(name, "statetable") == 0)) {
        s->cell.barred = true;
    }
}

static void end_group(scan *s, int depth, const char *name) {
    if (depth == 2 && strcmp(name, "cell") == 0) end_cell(s);
    if (depth == 3 && strcmp(name, "pin") == 0) end_pin(s);
}

/* (first, second, ...): the first two are kept. */
static rg_status read_values(scan *s, char first[256], char second[64], rg_error *err) {
    char other[64];
    first[0] = second[0] = 0;
    s->p++;
    for (int i = 0; peek(s) != ')'; i++) {
        bool good = i == 0   ? read_word(s, first, 256)
                    : i == 1 ? read_word(s, second, 64)
                             : read_word(s, other, sizeof other);
        const int after = peek(s);
        if (good && (after == ',' || after == ':')) s->p++; /* bus ranges have colons */
        if (!good || after == 0) return broken(s, "values and )", "a list that does not end", err);
    }
    s->p++;
    return RG_OK;
}

static void take_list(scan *s, int depth, const char *name, const char *first, const char *second) {
    if (depth != 1 || strcmp(name, "capacitive_load_unit") != 0) return;
    const double unit_ff = strcasecmp(second, "ff") == 0 ? 1 : strcasecmp(second, "pf") == 0 ? 1e3 : 0;
    s->ff_per_unit = strtod(first, NULL) * unit_ff;
}

static rg_status read_statement(scan *s, int depth, const char *group, rg_error *err);

static rg_status read_group(scan *s, int depth, const char *name, const char *first, rg_error *err) {
    if (depth > MAX_DEPTH) return broken(s, "fewer levels of groups", "groups nested too deeply", err);
    s->p++;
    begin_group(s, depth, name, first);
    for (;;) {
        const int next = peek(s);
        if (next == ';') {
            s->p++;
        } else if (next == '}') {
            break;
        } else if (next == 0) {
            return broken(s, "}", "the file ends inside a group", err);
        } else {
            RG_TRY(read_statement(s, depth, name, err));
        }
    }
    s->p++;
    end_group(s, depth, name);
    return RG_OK;
}

/* `depth` is that of the group it stands in; 0: the file. */
static rg_status read_statement(scan *s, int depth, const char *group, rg_error *err) {
    char name[64], first[256], second[64];
    if (!read_word(s, name, sizeof name))
        return broken(s, "a Liberty statement: NAME : VALUE ; or NAME (VALUES) { ... }", "not Liberty", err);
    const int next = peek(s);
    if (next == ':') {
        s->p++;
        if (!read_word(s, first, sizeof first)) return broken(s, "a value", "nothing after the colon", err);
        take_value(s, depth, group, name, first);
        /* the rest of an expression, to the semicolon or the end of the line */
        while (s->p < s->end && *s->p != ';' && *s->p != '\n' && *s->p != '}') s->p++;
        return RG_OK;
    }
    if (next != '(')
        return broken(s, "a Liberty statement: NAME : VALUE ; or NAME (VALUES) { ... }", "not Liberty", err);
    RG_TRY(read_values(s, first, second, err));
    if (peek(s) == '{') return read_group(s, depth + 1, name, first, err);
    take_list(s, depth, name, first, second);
    return RG_OK;
}

rg_status rtl_liberty_scan(rtl_liberty *out, const char *text, size_t size, const char *path, rg_error *err) {
    scan s = {.p = text, .end = text + size, .path = path, .line = 1};
    char word[64], name[256], second[64];
    if (!read_word(&s, word, sizeof word) || strcmp(word, "library") != 0 || peek(&s) != '(')
        return broken(&s, "library (NAME) {", "not a Liberty file", err);
    RG_TRY(read_values(&s, name, second, err));
    if (peek(&s) != '{') return broken(&s, "library (NAME) {", "not a Liberty file", err);
    snprintf(s.lib.name, sizeof s.lib.name, "%.60s", name);
    RG_TRY(read_group(&s, 1, "library", name, err));
    s.lib.nand2_ff *= s.ff_per_unit;
    if (!s.lib.nand2[0])
        return rg_fail(err, RG_ERR_PARSE, path, "a library of combinational cells",
                       "none of its %d cells is a 2-input NAND with an area", s.lib.n_cells);
    if (!s.lib.buffer[0])
        return rg_fail(err, RG_ERR_PARSE, path, "a library of combinational cells",
                       "none of its %d cells is a buffer with an area", s.lib.n_cells);
    if (!(s.lib.nand2_ff > 0) || !isfinite(s.lib.nand2_ff))
        return rg_fail(err, RG_ERR_PARSE, path, "capacitive_load_unit in fF or pF, and pin capacitances",
                       "the inputs of %s have no capacitance", s.lib.nand2);
    *out = s.lib;
    return RG_OK;
}
