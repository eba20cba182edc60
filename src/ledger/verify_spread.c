/* What rests on a claim that does not hold does not hold either: failures spread along the inputs that are
 * claims. */
#include "ledger/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct edge {
    size_t from, to; /* node `to` rests on node `from` */
} edge;

static int by_from(const void *a, const void *b) {
    size_t x = ((const edge *)a)->from, y = ((const edge *)b)->from;
    return (x > y) - (x < y);
}

/* Inputs that are claims but stand on no line fail their user here; the others become edges. */
static size_t collect(ledger_nodes *nodes, edge *edges) {
    size_t n = 0;
    for (size_t i = 0; i < nodes->n; i++) {
        ledger_node *node = &nodes->node[i];
        const json_t *list = json_object_get(node->claim, "inputs");
        for (size_t k = 0; k < json_array_size(list); k++) {
            const json_t *input = json_array_get(list, k);
            const char *id = json_string_value(json_object_get(input, "sha256"));
            if (json_object_get(input, "path")) continue;
            const ledger_node *other = ledger_nodes_find(nodes, id);
            if (other)
                edges[n++] = (edge){(size_t)(other - nodes->node), i};
            else if (!node->reason[0])
                snprintf(node->reason, sizeof node->reason, "rests on claim %s, which is not in claims.jsonl",
                         id);
        }
    }
    qsort(edges, n, sizeof *edges, by_from);
    return n;
}

static size_t first_edge(const edge *edges, size_t n, size_t from) {
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (edges[middle].from < from)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The reason names the claim where it began, not each step on the way. */
static void blame(ledger_node *node, const ledger_node *cause) {
    char reason[sizeof node->reason + 64];
    if (strncmp(cause->reason, "rests on claim ", 15) == 0)
        ledger_copy_text(reason, sizeof reason, cause->reason);
    else
        snprintf(reason, sizeof reason, "rests on claim %s: %s", cause->id, cause->reason);
    ledger_copy_text(node->reason, sizeof node->reason, reason);
}

rg_status ledger_verify_spread(ledger_nodes *nodes, rg_error *err) {
    size_t n_edges = 0, head = 0, tail = 0;
    for (size_t i = 0; i < nodes->n; i++)
        n_edges += json_array_size(json_object_get(nodes->node[i].claim, "inputs"));
    edge *edges = calloc(n_edges + 1, sizeof *edges);
    size_t *queue = calloc(nodes->n + 1, sizeof *queue);
    if (!edges || !queue) {
        free(edges);
        free(queue);
        return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    }
    n_edges = collect(nodes, edges);
    for (size_t i = 0; i < nodes->n; i++)
        if (nodes->node[i].reason[0]) queue[tail++] = i;
    while (head < tail) { /* each node enters once, when it gets its reason */
        size_t from = queue[head++];
        for (size_t e = first_edge(edges, n_edges, from); e < n_edges && edges[e].from == from; e++) {
            ledger_node *node = &nodes->node[edges[e].to];
            if (node->reason[0]) continue;
            blame(node, &nodes->node[from]);
            queue[tail++] = edges[e].to;
        }
    }
    free(edges);
    free(queue);
    return RG_OK;
}
