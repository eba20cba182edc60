/* The generated folder: rtl/TOP.v, sim/ (testbench, vectors), README.md, and last unit.json, which says it is
 * whole. */
#include "rtl/emit.h"
#include "rtl/folder.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Hexadecimal digits of a row assembled from fields, lowest first. */
typedef struct row {
    uint8_t bit[64 * 32 + 128];
    int n;
} row;

static void row_push(row *r, uint64_t value, int bits) {
    for (int i = 0; i < bits; i++) r->bit[r->n++] = (value >> i) & 1;
}

static void row_print(row *r, rg_str *out) {
    char text[sizeof r->bit / 4 + 2];
    const int digits = (r->n + 3) / 4;
    while (r->n < 4 * digits) r->bit[r->n++] = 0;
    for (int i = 0; i < digits; i++) {
        const uint8_t *b = r->bit + 4 * i;
        text[digits - 1 - i] = "0123456789abcdef"[b[0] | b[1] << 1 | b[2] << 2 | b[3] << 3];
    }
    text[digits] = '\n';
    rg_str_add_n(out, text, (size_t)digits + 1);
}

static void emit_vectors(rg_str *out, const rg_rtl_unit *u, uint64_t n_vectors) {
    uint32_t a[64], b[64];
    uint64_t result[2] = {0};
    for (uint64_t v = 0; v < n_vectors; v++) {
        row r = {.n = 0};
        rtl_vector(u, v, a, b);
        rg_rtl_unit_eval(u, a, b, result);
        for (int i = 0; i < u->n; i++) row_push(&r, a[i], u->a.bits);
        for (int i = 0; i < u->n; i++) row_push(&r, b[i], u->b.bits);
        row_push(&r, result[0], u->output_bits);
        row_print(&r, out);
    }
}

static void emit_readme(rg_str *o, const rg_rtl_unit *u, uint64_t n_vectors, bool exhaustive) {
    rg_str_printf(o,
                  "# %s\n\n`rtl/` the unit (Verilog-2005, combinational), `sim/` a self-checking testbench "
                  "and %llu vectors (%s)\n"
                  "whose results the C datapath computed; `unit.json` ports and digests.\n\n",
                  u->text, (unsigned long long)n_vectors,
                  exhaustive ? "every input" : "corner cases and seeded random");
    rg_str_add(
        o, "    ridge rtl verify .     # or: cd sim && iverilog -g2005 -o t testbench.v ../rtl/*.v && vvp t\n"
           "    ridge rtl ppa .        # area and delay\n");
}

static rg_status put(const char *dir, const char *name, rg_str *text, json_t *files, rg_error *err) {
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
        return rg_fail(err, RG_ERR_IO, dir, NULL, "path too long");
    if (text->failed) return rg_fail(err, RG_ERR_MEMORY, path, NULL, "out of memory");
    RG_TRY(rg_file_write(path, text->data, text->len, err));
    if (files)
        json_array_append_new(
            files, json_pack("{ss ss}", "path", name, "sha256", rg_sha256(text->data, text->len).hex));
    rg_str_free(text);
    return RG_OK;
}

static rg_status put_all(const rg_rtl_unit *u, const char *dir, json_t *root, json_t *files, rg_str *text,
                         rg_error *err) {
    char top[96], name[128];
    bool exhaustive;
    const uint64_t n_vectors = rtl_vector_count(u, &exhaustive);
    rtl_top_name(u, top, sizeof top);
    snprintf(name, sizeof name, "rtl/%s.v", top);
    rtl_emit_module(text, u);
    RG_TRY(put(dir, name, text, files, err));
    rtl_emit_testbench(text, u, n_vectors);
    RG_TRY(put(dir, "sim/testbench.v", text, files, err));
    emit_vectors(text, u, n_vectors);
    RG_TRY(put(dir, "sim/vectors.hex", text, files, err));
    emit_readme(text, u, n_vectors, exhaustive);
    RG_TRY(put(dir, "README.md", text, files, err));
    rtl_port port[4];
    json_t *ports = json_array();
    for (int i = 0, n = rtl_ports(u, port); i < n; i++)
        json_array_append_new(ports, json_pack("{ss ss si}", "name", port[i].name, "direction",
                                               port[i].output ? "output" : "input", "bits", port[i].bits));
    json_object_set_new(root, "unit", json_string(u->text));
    json_object_set_new(root, "top", json_string(top));
    json_object_set_new(root, "ports", ports);
    json_object_set_new(root, "exact", json_boolean(u->exact));
    if (u->exact) json_object_set_new(root, "lsb_exponent", json_integer(rtl_shape_of(u).lsb));
    json_object_set_new(root, "vectors", json_integer((json_int_t)n_vectors));
    json_object_set_new(root, "exhaustive", json_boolean(exhaustive));
    json_object_set(root, "files", files);
    char *json = json_dumps(root, JSON_INDENT(1));
    if (json)
        rg_str_add(text, json), rg_str_add(text, "\n");
    else
        text->failed = true;
    free(json);
    return put(dir, "unit.json", text, NULL, err);
}

static rg_status make_folders(const char *dir, rg_error *err) {
    static const char *const part[] = {"rtl", "sim"};
    char path[4096];
    for (int i = 0; i < 2; i++) {
        if (snprintf(path, sizeof path, "%s/%s", dir, part[i]) >= (int)sizeof path)
            return rg_fail(err, RG_ERR_IO, dir, NULL, "path too long");
        RG_TRY(rg_dir_make(path, err));
    }
    snprintf(path, sizeof path, "%s/unit.json", dir);
    unlink(path); /* the folder is not whole until it is written again */
    return RG_OK;
}

rg_status rg_rtl_generate(const rg_rtl_unit *unit, const char *dir, rg_error *err) {
    RG_TRY(make_folders(dir, err));
    json_t *root = json_object(), *files = json_array();
    rg_str text = {0};
    const rg_status status = root && files ? put_all(unit, dir, root, files, &text, err)
                                           : rg_fail(err, RG_ERR_MEMORY, dir, NULL, "out of memory");
    rg_str_free(&text);
    json_decref(files);
    json_decref(root);
    return status;
}
