/* Verification: reads all lines, then asks of each claim whether its inputs are what they were, whether its
   command still gives its value, and whether what it rests on holds. */
#include "ledger/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool grow(ledger_nodes *nodes) {
    if (nodes->n < nodes->cap) return true;
    size_t cap = nodes->cap ? 2 * nodes->cap : 256;
    ledger_node *node = realloc(nodes->node, cap * sizeof *node);
    if (!node) return false;
    nodes->node = node;
    nodes->cap = cap;
    return true;
}

static rg_status read_nodes(ledger_nodes *nodes, ledger_lines *lines, rg_error *err) {
    ledger_line line;
    while (ledger_lines_next(lines, &line)) {
        if (!grow(nodes)) {
            json_decref(line.claim);
            return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
        }
        ledger_node *node = &nodes->node[nodes->n++];
        *node = (ledger_node){.claim = line.claim, .line = line.number};
        memcpy(node->id, line.id, sizeof node->id);
        ledger_copy_text(node->subject, sizeof node->subject, line.subject);
        ledger_copy_text(node->reason, sizeof node->reason, line.reason);
    }
    return RG_OK;
}

static int compare(const ledger_node *x, const ledger_node *y) {
    int order = strcmp(x->id, y->id);
    if (order) return order;
    if (!x->claim != !y->claim) return x->claim ? -1 : 1;
    return (x->line > y->line) - (x->line < y->line);
}

static int by_id(const void *a, const void *b, void *context) {
    const ledger_node *node = context;
    return compare(&node[*(const size_t *)a], &node[*(const size_t *)b]);
}

static rg_status sort_ids(ledger_nodes *nodes, rg_error *err) {
    free(nodes->by_id);
    nodes->n_by_id = 0;
    nodes->by_id = calloc(nodes->n + 1, sizeof *nodes->by_id);
    if (!nodes->by_id) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    for (size_t i = 0; i < nodes->n; i++)
        if (nodes->node[i].id[0]) nodes->by_id[nodes->n_by_id++] = i;
    qsort_r(nodes->by_id, nodes->n_by_id, sizeof *nodes->by_id, by_id, nodes->node);
    return RG_OK;
}

/* The same claim on two lines (a merge) is one claim. */
static rg_status drop_repeats(ledger_nodes *nodes, rg_error *err) {
    RG_TRY(sort_ids(nodes, err));
    const ledger_node *kept = NULL;
    for (size_t i = 0; i < nodes->n_by_id; i++) {
        ledger_node *node = &nodes->node[nodes->by_id[i]];
        if (node->claim && kept && strcmp(kept->id, node->id) == 0) {
            json_decref(node->claim);
            node->claim = NULL; /* neither claim nor reason: to be dropped */
        } else if (node->claim)
            kept = node;
    }
    size_t n = 0;
    for (size_t i = 0; i < nodes->n; i++)
        if (nodes->node[i].claim || nodes->node[i].reason[0]) nodes->node[n++] = nodes->node[i];
    nodes->n = n;
    return sort_ids(nodes, err);
}

ledger_node *ledger_nodes_find(const ledger_nodes *nodes, const char *id) {
    size_t low = 0, high = nodes->n_by_id;
    while (low < high) { /* the first one that is not below */
        size_t middle = low + (high - low) / 2;
        if (strcmp(nodes->node[nodes->by_id[middle]].id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    ledger_node *node = low < nodes->n_by_id ? &nodes->node[nodes->by_id[low]] : NULL;
    return node && strcmp(node->id, id) == 0 ? node : NULL;
}

static rg_status report(const ledger_nodes *nodes, rg_ledger_report *out, rg_error *err) {
    rg_ledger_report r = {.claims = nodes->n, .failed = calloc(nodes->n + 1, sizeof *r.failed)};
    if (!r.failed) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    for (size_t i = 0; i < nodes->n; i++) {
        const ledger_node *node = &nodes->node[i];
        if (!node->reason[0]) continue;
        rg_ledger_failure *f = &r.failed[r.n_failed++];
        memcpy(f->claim, node->id, sizeof f->claim);
        memcpy(f->subject, node->subject, sizeof f->subject);
        memcpy(f->reason, node->reason, sizeof f->reason);
        if (!f->subject[0]) snprintf(f->subject, sizeof f->subject, "claims.jsonl:%zu", node->line);
    }
    r.verified = r.claims - r.n_failed;
    *out = r;
    return RG_OK;
}

static void drop(ledger_nodes *nodes) {
    for (size_t i = 0; i < nodes->n; i++) json_decref(nodes->node[i].claim);
    free(nodes->node);
    free(nodes->by_id);
}

rg_status rg_ledger_verify(rg_ledger *ledger, const char *program, rg_ledger_report *out,
                           const rg_progress *progress, rg_error *err) {
    ledger_nodes nodes = {0};
    ledger_lines lines;
    RG_TRY(ledger_lines_open(&lines, ledger->path, err));
    rg_status status = read_nodes(&nodes, &lines, err);
    ledger_lines_close(&lines);
    if (status == RG_OK) status = drop_repeats(&nodes, err);
    if (status == RG_OK) status = ledger_verify_inputs(&nodes, ledger->dir, progress, err);
    if (status == RG_OK) status = ledger_verify_commands(&nodes, ledger->dir, program, progress, err);
    if (status == RG_OK) status = ledger_verify_spread(&nodes, err);
    if (status == RG_OK) status = report(&nodes, out, err);
    drop(&nodes);
    return status;
}

void rg_ledger_report_free(rg_ledger_report *report_) {
    free(report_->failed);
    *report_ = (rg_ledger_report){0};
}
