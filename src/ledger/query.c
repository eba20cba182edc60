/* Questions to the index: one claim, many claims, what rests on a claim. */
#include "ledger/ledger.h"

#include <string.h>

rg_status rg_ledger_find(rg_ledger *l, const char *id, rg_str *json, rg_error *err) {
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(l->db, "SELECT json FROM claims WHERE id = ?", -1, &s, NULL) != SQLITE_OK)
        return ledger_index_fail(l->db, err);
    sqlite3_bind_text(s, 1, id, -1, SQLITE_TRANSIENT);
    rg_status status = RG_OK;
    int step = sqlite3_step(s);
    if (step == SQLITE_ROW)
        rg_str_add(json, (const char *)sqlite3_column_text(s, 0));
    else if (step == SQLITE_DONE)
        status =
            rg_fail(err, RG_ERR_USAGE, l->path, "an id that `ridge ledger show` lists", "no claim %s", id);
    else
        status = ledger_index_fail(l->db, err);
    sqlite3_finalize(s);
    return status != RG_OK || !json->failed ? status
                                            : rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
}

/* Appends the rows of a statement with one column of JSON text as a JSON list; finalizes it. */
static rg_status add_rows(rg_ledger *l, sqlite3_stmt *s, rg_str *json, rg_error *err) {
    rg_str list = {0};
    int step;
    rg_str_add(&list, "[");
    while ((step = sqlite3_step(s)) == SQLITE_ROW) {
        if (list.len > 1) rg_str_add(&list, ",\n");
        const char *text = (const char *)sqlite3_column_text(s, 0);
        rg_str_add(&list, text ? text : "null");
    }
    rg_str_add(&list, "]");
    rg_status status = step == SQLITE_DONE ? RG_OK : ledger_index_fail(l->db, err);
    sqlite3_finalize(s);
    if (status == RG_OK && !list.failed) rg_str_add_n(json, list.data, list.len);
    if (status == RG_OK && (list.failed || json->failed))
        status = rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    rg_str_free(&list);
    return status;
}

rg_status rg_ledger_list(rg_ledger *l, const char *glob, rg_str *json, rg_error *err) {
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(l->db, "SELECT json FROM claims WHERE subject GLOB ? ORDER BY subject, id", -1, &s,
                           NULL) != SQLITE_OK)
        return ledger_index_fail(l->db, err);
    sqlite3_bind_text(s, 1, glob ? glob : "*", -1, SQLITE_TRANSIENT);
    return add_rows(l, s, json, err);
}

rg_status rg_ledger_used_by(rg_ledger *l, const char *id, rg_str *json, rg_error *err) {
    static const char sql[] =
        "WITH RECURSIVE above(id) AS (SELECT claim FROM inputs WHERE digest = ?1 AND path IS NULL"
        " UNION SELECT i.claim FROM inputs i JOIN above a ON i.digest = a.id AND i.path IS NULL)"
        "SELECT json_object('id', c.id, 'subject', c.subject) FROM claims c JOIN above a ON c.id = a.id"
        " ORDER BY c.subject, c.id";
    rg_str found = {0};
    rg_status status = rg_ledger_find(l, id, &found, err);
    rg_str_free(&found);
    RG_TRY(status);
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(l->db, sql, -1, &s, NULL) != SQLITE_OK) return ledger_index_fail(l->db, err);
    sqlite3_bind_text(s, 1, id, -1, SQLITE_TRANSIENT);
    return add_rows(l, s, json, err);
}
