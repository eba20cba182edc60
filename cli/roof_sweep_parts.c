/* Parts are records behind a head; a record that was cut off or changed is evaluated again. */
#include "roof_sweep_parts.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

typedef struct head {
    char magic[16], version[16];
    rg_digest sweep;
    uint64_t record_bytes, size;
} head;

typedef struct record {
    rg_sweep_result result;
    rg_digest check; /* SHA-256 of its bytes */
} record;

static head head_of(const rg_sweep *sweep) {
    head h;
    memset(&h, 0, sizeof h);
    snprintf(h.magic, sizeof h.magic, "ridge sweep");
    snprintf(h.version, sizeof h.version, "%s", RG_VERSION);
    h.sweep = rg_sweep_digest(sweep);
    h.record_bytes = sizeof(record);
    h.size = rg_sweep_size(sweep);
    return h;
}

static rg_status cannot(const char *path, const char *what, rg_error *err) {
    return rg_fail(err, RG_ERR_IO, path, "a folder with room", "cannot %s", what);
}

static void part_path(char *path, size_t size, const char *dir, int rank, int number) {
    snprintf(path, size, "%s/part-%d-%d.bin", dir, rank, number);
}

rg_status cli_sweep_part_open(cli_sweep_part *part, const char *dir, const rg_sweep *sweep, int rank,
                              rg_error *err) {
    char path[4096];
    const head h = head_of(sweep);
    RG_TRY(rg_dir_make(dir, err));
    for (int number = 0; !part->file && number < 1 << 20; number++) { /* the first name that is free */
        part_path(path, sizeof path, dir, rank, number);
        part->file = fopen(path, "wbx");
    }
    part->dir = dir;
    if (!part->file) return cannot(path, "make the file", err);
    return fwrite(&h, sizeof h, 1, part->file) == 1 && fflush(part->file) == 0 ? RG_OK
                                                                               : cannot(path, "write", err);
}

rg_status cli_sweep_part_add(cli_sweep_part *part, const rg_sweep_result *result, size_t n, rg_error *err) {
    if (!part->file) return RG_OK;
    for (size_t i = 0; i < n; i++) {
        record r;
        memset(&r, 0, sizeof r); /* padding is written, too */
        memcpy(&r.result, &result[i], sizeof r.result);
        r.check = rg_sha256(&r.result, sizeof r.result);
        if (fwrite(&r, sizeof r, 1, part->file) != 1) return cannot(part->dir, "write results", err);
    }
    return fflush(part->file) == 0 ? RG_OK : cannot(part->dir, "write results", err);
}

rg_status cli_sweep_part_close(cli_sweep_part *part, rg_error *err) {
    if (!part->file) return RG_OK;
    const int failed = fclose(part->file);
    part->file = NULL;
    return failed ? cannot(part->dir, "write results", err) : RG_OK;
}

static bool is_sound(const record *r, const head *want) {
    const rg_digest check = rg_sha256(&r->result, sizeof r->result);
    return memcmp(&check, &r->check, sizeof check) == 0 && r->result.index < want->size;
}

static rg_status read_part(const char *path, const head *want, rg_sweep_result *result, bool *done,
                           rg_error *err) {
    head h;
    record r;
    FILE *file = fopen(path, "rb");
    if (!file) return cannot(path, "read", err);
    const size_t got = fread(&h, 1, sizeof h, file);
    if (got == sizeof h && memcmp(&h, want, sizeof h) != 0) {
        fclose(file);
        return rg_fail(err, RG_ERR_USAGE, path, "another folder for -o, or this one without its part files",
                       "results of another sweep, of other models or systems, or of another version of the "
                       "program");
    }
    while (got == sizeof h && fread(&r, sizeof r, 1, file) == 1) {
        if (!is_sound(&r, want)) continue;
        result[r.result.index] = r.result;
        done[r.result.index] = true;
    }
    fclose(file);
    return RG_OK;
}

static int is_part(const struct dirent *entry) {
    return strncmp(entry->d_name, "part-", 5) == 0;
}

rg_status cli_sweep_read_parts(const char *dir, const rg_sweep *sweep, rg_sweep_result *result, bool *done,
                               rg_error *err) {
    struct dirent **entry;
    const head want = head_of(sweep);
    const int n = scandir(dir, &entry, is_part, alphasort);
    rg_status status = RG_OK;
    for (int i = 0; i < n; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", dir, entry[i]->d_name);
        if (status == RG_OK) status = read_part(path, &want, result, done, err);
        free(entry[i]);
    }
    if (n >= 0) free(entry);
    return status;
}

/* ---- tables ------------------------------------------------------------------------------------------ */

/* RFC 4180. */
static void add_quoted(rg_str *out, const char *text) {
    rg_str_add(out, "\"");
    for (; text && *text; text++) {
        if (*text == '"') rg_str_add(out, "\"");
        rg_str_printf(out, "%c", *text);
    }
    rg_str_add(out, "\"");
}

static void add_row(rg_str *out, const rg_sweep *sweep, const rg_sweep_result *r) {
    rg_sweep_case c = {0};
    char layout[200] = "";
    if (rg_sweep_describe(sweep, r->index, &c, NULL) == RG_OK)
        rg_layout_print(&c.layout, layout, sizeof layout);
    const char *const texts[] = {c.model, c.system, c.what_if, c.policy, layout};
    rg_str_printf(out, "%llu,", (unsigned long long)r->index);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        add_quoted(out, texts[i]);
        rg_str_add(out, ",");
    }
    rg_str_printf(out, "%.10g,%.10g,%.10g,%s,", c.batch, c.context, c.osl, rg_sweep_status_name(r->status));
    if (r->status == RG_SWEEP_OK)
        rg_str_printf(out, "%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.6g,%.10g,%.10g,%.6g,%s,%s,", r->seconds,
                      r->bound_s, r->lo80_s, r->hi80_s, r->ttft_s, r->tokens_per_s, r->tokens_per_s_per_chip,
                      r->mfu, r->chips, r->memory_bytes, r->usd_per_million_tokens, r->limiter,
                      r->class_name);
    else
        rg_str_add(out, ",,,,,,,,,,,,,");
    add_quoted(out, r->reason);
    rg_str_add(out, "\n");
}

static rg_status write_table(const char *dir, const char *name, rg_str *out, rg_error *err) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    rg_status status = out->failed ? rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory")
                                   : rg_file_write(path, out->data, out->len, err);
    rg_str_free(out);
    return status;
}

static const char columns[] =
    "index,model,system,what_if,policy,layout,batch,context,osl,status,seconds,bound_s,lo80_s,hi80_s,"
    "ttft_s,tokens_per_s,tokens_per_s_per_chip,mfu,chips,memory_bytes,"
    "usd_per_million_tokens,limiter,class,reason\n";

rg_status cli_sweep_write(const char *dir, const rg_sweep *sweep, const rg_sweep_result *result, size_t n,
                          const size_t *front, size_t n_front, rg_error *err) {
    rg_str all = {0}, best = {0};
    rg_str_add(&all, columns);
    for (size_t i = 0; i < n; i++) add_row(&all, sweep, &result[i]);
    rg_str_add(&best, columns);
    for (size_t i = 0; i < n_front; i++) add_row(&best, sweep, &result[front[i]]);
    rg_status status = write_table(dir, "results.csv", &all, err);
    if (status == RG_OK)
        status = write_table(dir, "pareto.csv", &best, err);
    else
        rg_str_free(&best);
    return status;
}
