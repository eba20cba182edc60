/* What the files of the ledger share. */
#ifndef RIDGE_LEDGER_PRIVATE_H
#define RIDGE_LEDGER_PRIVATE_H

#include <jansson.h>
#include <sqlite3.h>

#include "ridge/ledger.h"

enum { LEDGER_ID_SIZE = 17, LEDGER_LINE_BYTES = 1 << 20, LEDGER_DEPTH = 32 };

/* canonical.c: JSON text that depends on the content alone: keys sorted by byte, no spaces, shortest number
   that reads back. `skip` is a key of the outermost object to leave out, or NULL. */
void ledger_canonical(const json_t *json, const char *skip, rg_str *out);
/* Id of a claim: digest of its canonical text without "id". */
rg_status ledger_id(const json_t *claim, char id[LEDGER_ID_SIZE], rg_error *err);
bool ledger_is_hex(const char *text, size_t n);

/* claim.c: the JSON object of a claim, without its id; checks every field. */
rg_status ledger_claim_json(json_t **out, const rg_claim *claim, rg_error *err);
/* NULL, or what is wrong with an object read from a line. */
const char *ledger_claim_wrong(const json_t *claim);

/* lines.c: the lines of claims.jsonl, each checked. */
typedef struct ledger_lines {
    char *data;
    size_t size, at, number;
} ledger_lines;
typedef struct ledger_line {
    size_t number;    /* 1-based */
    json_t *claim;    /* NULL: the line is no sound claim */
    const char *text; /* canonical text of a sound claim, not NUL-terminated */
    size_t size;
    char id[LEDGER_ID_SIZE]; /* as stated, empty when it is none */
    char subject[256];       /* as stated, when it can be read */
    char reason[256];        /* why it is not sound */
} ledger_line;
rg_status ledger_lines_open(ledger_lines *out, const char *path, rg_error *err);
/* False after the last line. Drop with json_decref(line->claim). */
bool ledger_lines_next(ledger_lines *lines, ledger_line *line);
void ledger_lines_close(ledger_lines *lines);
/* strcpy that cuts at the end of a UTF-8 character. */
void ledger_copy_text(char *to, size_t size, const char *from);

/* index.c: the cache of claims.jsonl. */
rg_status ledger_index_open(sqlite3 **out, const char *dir, const ledger_lines *lines, rg_error *err);
/* The same in memory alone, for when the file cannot be used. */
rg_status ledger_index_in_memory(sqlite3 **out, const ledger_lines *lines, rg_error *err);
rg_status ledger_index_add(sqlite3 *db, const char *id, const json_t *claim, const char *text, size_t size,
                           rg_error *err);
/* Records that the index tells all that claims.jsonl of this digest does. */
void ledger_index_commit(sqlite3 *db, const char *lines_path);
rg_status ledger_index_fail(sqlite3 *db, rg_error *err);

struct rg_ledger {
    char *dir, *path; /* the workspace, its claims.jsonl */
    sqlite3 *db;
    int fd;                    /* open for append, or -1 */
    bool torn;                 /* the last line has no end */
    bool dirty;                /* added to since opened */
    unsigned long long n_seen; /* bytes of claims.jsonl that the index knows */
};

/* verify*.c */
typedef struct ledger_node { /* one claim, or one broken line */
    json_t *claim;           /* NULL: broken line */
    char id[LEDGER_ID_SIZE];
    char subject[256];
    char reason[512]; /* empty: sound so far */
    size_t line;
} ledger_node;
typedef struct ledger_nodes {
    ledger_node *node;
    size_t n, cap;
    size_t *by_id; /* indices of nodes that state an id, sorted by id, sound ones first */
    size_t n_by_id;
} ledger_nodes;
/* The node with this id, or NULL; a broken line only when there is no sound one. */
ledger_node *ledger_nodes_find(const ledger_nodes *nodes, const char *id);
/* verify_inputs.c: digests of files. verify_commands.c: re-runs. verify_spread.c: what rests on what failed.
 */
rg_status ledger_verify_inputs(ledger_nodes *nodes, const char *dir, const rg_progress *progress,
                               rg_error *err);
rg_status ledger_verify_commands(ledger_nodes *nodes, const char *dir, const char *program,
                                 const rg_progress *progress, rg_error *err);
rg_status ledger_verify_spread(ledger_nodes *nodes, rg_error *err);

/* words.c: splits a command as a shell would, nothing expanded. The list ends with NULL and lies in the
 * arena. */
rg_status ledger_words(rg_arena *arena, const char *command, const char ***words, rg_error *err);
/* pointer.c: the value at an RFC 6901 pointer, or NULL. */
json_t *ledger_pointer(json_t *root, const char *pointer);

#endif
