/* Workspaces: open, add, look up. */
#include "ledger/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static char *join(const char *dir, const char *name) {
    rg_str path = {0};
    rg_str_printf(&path, "%s/%s", dir, name);
    return path.failed ? NULL : path.data;
}

/* What git needs to know: lines of both sides are kept, the cache is not. Left alone when there already. */
static void write_git_files(const char *dir) {
    static const char *const files[][2] = {{".gitattributes", "claims.jsonl merge=union\n"},
                                           {".gitignore", "index.sqlite*\n"}};
    for (int i = 0; i < 2; i++) {
        char *path = join(dir, files[i][0]);
        if (path && access(path, F_OK) != 0)
            (void)rg_file_write(path, files[i][1], strlen(files[i][1]), NULL);
        free(path);
    }
}

static rg_status make(const char *dir, const char *path, rg_error *err) {
    if (access(path, F_OK) == 0) return RG_OK;
    RG_TRY(rg_dir_make(dir, err));
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) return rg_fail(err, RG_ERR_IO, path, "a writable folder", "cannot make: %s", strerror(errno));
    close(fd);
    write_git_files(dir);
    return RG_OK;
}

static rg_status open_index(rg_ledger *l, rg_error *err) {
    ledger_lines lines;
    RG_TRY(ledger_lines_open(&lines, l->path, err));
    l->n_seen = lines.size;
    l->torn = lines.size && lines.data[lines.size - 1] != '\n';
    rg_status status = ledger_index_open(&l->db, l->dir, &lines, err);
    ledger_lines_close(&lines);
    return status;
}

static rg_status open_at(rg_ledger **out, const char *dir, bool create, rg_error *err) {
    rg_ledger *l = calloc(1, sizeof *l);
    if (!l) return rg_fail(err, RG_ERR_MEMORY, dir, NULL, "out of memory");
    l->fd = -1;
    l->dir = strdup(dir);
    l->path = join(dir, "claims.jsonl");
    rg_status status = l->dir && l->path ? RG_OK : rg_fail(err, RG_ERR_MEMORY, dir, NULL, "out of memory");
    if (status == RG_OK && create) status = make(dir, l->path, err);
    if (status == RG_OK) status = open_index(l, err);
    if (status == RG_OK)
        *out = l;
    else
        rg_ledger_close(l);
    return status;
}

rg_status rg_ledger_open(rg_ledger **out, const char *dir, rg_error *err) {
    return open_at(out, dir, true, err);
}

rg_status rg_ledger_open_existing(rg_ledger **out, const char *dir, rg_error *err) {
    return open_at(out, dir, false, err);
}

void rg_ledger_close(rg_ledger *l) {
    if (!l) return;
    struct stat st;
    /* Only when nobody else has added lines that the index does not know. */
    if (l->dirty && fstat(l->fd, &st) == 0 && (unsigned long long)st.st_size == l->n_seen)
        ledger_index_commit(l->db, l->path);
    sqlite3_close(l->db);
    if (l->fd >= 0) close(l->fd);
    free(l->dir);
    free(l->path);
    free(l);
}

/* One write for the whole line, under a lock, so that lines of two processes do not mix. */
static rg_status append(rg_ledger *l, const rg_str *line, rg_error *err) {
    if (l->fd < 0) l->fd = open(l->path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (l->fd < 0)
        return rg_fail(err, RG_ERR_IO, l->path, "a writable file", "cannot open: %s", strerror(errno));
    flock(l->fd, LOCK_EX);
    ssize_t n = write(l->fd, line->data, line->len);
    int reason = errno;
    flock(l->fd, LOCK_UN);
    if (n != (ssize_t)line->len) {
        l->torn = l->torn || n > 0;
        return rg_fail(err, RG_ERR_IO, l->path, "room on the disk", "cannot write: %s",
                       n < 0 ? strerror(reason) : "only part of a line");
    }
    l->torn = false;
    l->n_seen += line->len;
    return RG_OK;
}

static bool is_known(rg_ledger *l, const char *id) {
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(l->db, "SELECT 1 FROM claims WHERE id = ?", -1, &s, NULL) != SQLITE_OK)
        return false;
    sqlite3_bind_text(s, 1, id, -1, SQLITE_TRANSIENT);
    bool known = sqlite3_step(s) == SQLITE_ROW;
    sqlite3_finalize(s);
    return known;
}

/* The index file refused (locked by another process, disk full): goes on with one in memory. */
static rg_status leave_index_file(rg_ledger *l, rg_error *err) {
    ledger_lines lines;
    sqlite3 *db = NULL;
    RG_TRY(ledger_lines_open(&lines, l->path, err));
    rg_status status = ledger_index_in_memory(&db, &lines, err);
    ledger_lines_close(&lines);
    RG_TRY(status);
    sqlite3_close(l->db);
    l->db = db;
    return RG_OK;
}

static rg_status add_json(rg_ledger *l, json_t *json, char id[17], rg_error *err) {
    RG_TRY(ledger_id(json, id, err));
    if (is_known(l, id)) return RG_OK;
    json_object_set_new(json, "id", json_string(id));
    rg_str line = {0};
    if (l->torn) rg_str_add(&line, "\n"); /* an unfinished line must not swallow this one */
    size_t start = line.len;
    ledger_canonical(json, NULL, &line);
    size_t size = line.len - start;
    rg_str_add(&line, "\n");
    rg_status status = line.failed ? rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory") : RG_OK;
    if (status == RG_OK && size > LEDGER_LINE_BYTES)
        status = rg_fail(err, RG_ERR_USAGE, id, "at most 1 MiB", "claim of %zu bytes", size);
    if (status == RG_OK) status = append(l, &line, err);
    if (status == RG_OK && !l->dirty) {
        sqlite3_exec(l->db, "BEGIN", NULL, NULL, NULL); /* ended by rg_ledger_close */
        l->dirty = true;
    }
    if (status == RG_OK && ledger_index_add(l->db, id, json, line.data + start, size, NULL) != RG_OK)
        status = leave_index_file(l, err);
    rg_str_free(&line);
    return status;
}

rg_status rg_ledger_add(rg_ledger *ledger, const rg_claim *claim, char id[17], rg_error *err) {
    json_t *json;
    char found[LEDGER_ID_SIZE];
    RG_TRY(ledger_claim_json(&json, claim, err));
    rg_status status = add_json(ledger, json, found, err);
    json_decref(json);
    if (status == RG_OK) memcpy(id, found, sizeof found);
    return status;
}
