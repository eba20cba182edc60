/* index.sqlite: a cache of claims.jsonl for look-ups. It is believed only when it was made from exactly these
   lines; anything that goes wrong with it (corrupt, locked, a read-only folder) is met by building it anew,
   in memory if need be, and never fails the caller. */
#include "ledger/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LAYOUT = 1, BUSY_MS = 200 }; /* raise LAYOUT with every change of the tables below */

static const char schema[] =
    "DROP TABLE IF EXISTS claims; DROP TABLE IF EXISTS inputs; DROP TABLE IF EXISTS source;"
    "CREATE TABLE claims (id TEXT PRIMARY KEY, class TEXT, subject TEXT, value REAL, unit TEXT, status TEXT,"
    " json TEXT) WITHOUT ROWID;"
    "CREATE INDEX subjects ON claims (subject, id);"
    "CREATE TABLE inputs (claim TEXT, name TEXT, path TEXT, digest TEXT);"
    "CREATE INDEX users ON inputs (digest); CREATE INDEX inputs_of ON inputs (claim);"
    "CREATE TABLE source (layout INTEGER, digest TEXT, content TEXT);";

rg_status ledger_index_fail(sqlite3 *db, rg_error *err) {
    return rg_fail(err, RG_ERR_IO, "index.sqlite", NULL, "%s", sqlite3_errmsg(db));
}

static void bind(sqlite3_stmt *s, int at, const json_t *text) {
    if (json_is_string(text)) sqlite3_bind_text(s, at, json_string_value(text), -1, SQLITE_TRANSIENT);
}

static bool add_inputs(sqlite3 *db, const char *id, const json_t *list) {
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(db, "INSERT INTO inputs VALUES (?,?,?,?)", -1, &s, NULL) != SQLITE_OK)
        return false;
    bool good = true;
    for (size_t i = 0; good && i < json_array_size(list); i++) {
        const json_t *in = json_array_get(list, i);
        sqlite3_reset(s);
        sqlite3_clear_bindings(s);
        sqlite3_bind_text(s, 1, id, -1, SQLITE_TRANSIENT);
        bind(s, 2, json_object_get(in, "name"));
        bind(s, 3, json_object_get(in, "path"));
        bind(s, 4, json_object_get(in, "sha256"));
        good = sqlite3_step(s) == SQLITE_DONE;
    }
    sqlite3_finalize(s);
    return good;
}

rg_status ledger_index_add(sqlite3 *db, const char *id, const json_t *claim, const char *text, size_t size,
                           rg_error *err) {
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(db, "INSERT OR IGNORE INTO claims VALUES (?,?,?,?,?,?,?)", -1, &s, NULL) !=
        SQLITE_OK)
        return ledger_index_fail(db, err);
    sqlite3_bind_text(s, 1, id, -1, SQLITE_TRANSIENT);
    bind(s, 2, json_object_get(claim, "class"));
    bind(s, 3, json_object_get(claim, "subject"));
    const json_t *value = json_object_get(claim, "value");
    if (json_is_number(value)) sqlite3_bind_double(s, 4, json_number_value(value));
    bind(s, 5, json_object_get(claim, "unit"));
    bind(s, 6, json_object_get(claim, "status"));
    sqlite3_bind_text(s, 7, text, (int)size, SQLITE_TRANSIENT);
    bool good = sqlite3_step(s) == SQLITE_DONE;
    sqlite3_finalize(s);
    if (good && sqlite3_changes(db) == 1) good = add_inputs(db, id, json_object_get(claim, "inputs"));
    return good ? RG_OK : ledger_index_fail(db, err);
}

/* Digest of tables and rows: SQLite's own check does not see a flipped byte inside a text. */
static bool content(sqlite3 *db, rg_digest *digest) {
    static const char *const queries[] = {"SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name",
                                          "SELECT * FROM claims ORDER BY id",
                                          "SELECT * FROM inputs ORDER BY claim, name, path, digest"};
    rg_str text = {0};
    bool good = true;
    for (int q = 0; good && q < 3; q++) {
        sqlite3_stmt *s = NULL;
        int step = SQLITE_ERROR;
        good = sqlite3_prepare_v2(db, queries[q], -1, &s, NULL) == SQLITE_OK;
        while (good && (step = sqlite3_step(s)) == SQLITE_ROW)
            for (int c = 0; c < sqlite3_column_count(s); c++) {
                const unsigned char *value = sqlite3_column_text(s, c);
                rg_str_add(&text, value ? (const char *)value : "");
                rg_str_add(&text, value ? "\n" : "\t");
            }
        good = good && step == SQLITE_DONE;
        sqlite3_finalize(s);
    }
    *digest = rg_sha256(text.data ? text.data : "", text.len);
    good = good && !text.failed;
    rg_str_free(&text);
    return good;
}

static bool stamp(sqlite3 *db, const char *digest) {
    char sql[256];
    rg_digest rows;
    if (!content(db, &rows)) return false;
    snprintf(sql, sizeof sql, "DELETE FROM source; INSERT INTO source VALUES (%d, '%s', '%s');", LAYOUT,
             digest, rows.hex);
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static bool is_fresh(sqlite3 *db, const char *digest) {
    sqlite3_stmt *s = NULL;
    bool fresh = false;
    rg_digest rows;
    if (sqlite3_prepare_v2(db, "SELECT layout, digest, content FROM source", -1, &s, NULL) == SQLITE_OK &&
        sqlite3_step(s) == SQLITE_ROW) {
        const char *source = (const char *)sqlite3_column_text(s, 1);
        const char *stated = (const char *)sqlite3_column_text(s, 2);
        fresh = sqlite3_column_int(s, 0) == LAYOUT && source && strcmp(source, digest) == 0 && stated &&
                content(db, &rows) && strcmp(stated, rows.hex) == 0;
    }
    sqlite3_finalize(s);
    if (!fresh) return false;
    bool sound = sqlite3_prepare_v2(db, "PRAGMA integrity_check(1)", -1, &s, NULL) == SQLITE_OK &&
                 sqlite3_step(s) == SQLITE_ROW && sqlite3_column_text(s, 0) &&
                 strcmp((const char *)sqlite3_column_text(s, 0), "ok") == 0;
    sqlite3_finalize(s);
    return sound;
}

static bool fill(sqlite3 *db, const ledger_lines *from, const char *digest) {
    if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK) return false;
    bool good = sqlite3_exec(db, schema, NULL, NULL, NULL) == SQLITE_OK;
    ledger_lines lines = *from;
    ledger_line line;
    lines.at = lines.number = 0;
    while (good && ledger_lines_next(&lines, &line)) {
        if (line.claim) good = ledger_index_add(db, line.id, line.claim, line.text, line.size, NULL) == RG_OK;
        json_decref(line.claim);
    }
    good = good && stamp(db, digest) && sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
    if (!good) sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return good;
}

static sqlite3 *try_open(const char *path, const ledger_lines *lines, const char *digest) {
    sqlite3 *db = NULL;
    bool good = sqlite3_open(path, &db) == SQLITE_OK;
    if (good) {
        sqlite3_busy_timeout(db, BUSY_MS);
        /* a cache may be lost with the power: no waiting for the disk */
        sqlite3_exec(db, "PRAGMA synchronous=OFF", NULL, NULL, NULL);
        good = is_fresh(db, digest) || fill(db, lines, digest);
    }
    if (good) return db;
    sqlite3_close(db);
    return NULL;
}

rg_status ledger_index_open(sqlite3 **out, const char *dir, const ledger_lines *lines, rg_error *err) {
    rg_digest digest = rg_sha256(lines->data, lines->size);
    rg_str path = {0};
    rg_str_printf(&path, "%s/index.sqlite", dir);
    if (path.failed) return rg_fail(err, RG_ERR_MEMORY, dir, NULL, "out of memory");
    sqlite3 *db = try_open(path.data, lines, digest.hex);
    if (!db && unlink(path.data) == 0) db = try_open(path.data, lines, digest.hex);
    rg_str_free(&path);
    if (!db) return ledger_index_in_memory(out, lines, err);
    *out = db;
    return RG_OK;
}

rg_status ledger_index_in_memory(sqlite3 **out, const ledger_lines *lines, rg_error *err) {
    sqlite3 *db = try_open(":memory:", lines, rg_sha256(lines->data, lines->size).hex);
    if (!db) return rg_fail(err, RG_ERR_MEMORY, "index", NULL, "cannot build the index in memory");
    *out = db;
    return RG_OK;
}

void ledger_index_commit(sqlite3 *db, const char *lines_path) {
    rg_digest digest;
    if (rg_sha256_file(lines_path, &digest, NULL) == RG_OK && stamp(db, digest.hex))
        sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
}
