/* Reading a system file: a chip, and the levels that join chips. */
#include <string.h>

#include "hw/system.h"

static const char *const topologies[] = {"switch", "mesh", "ring", "torus"};

const char *rg_topology_name(rg_topology topology) {
    return topologies[topology];
}

bool hw_topology(const char *text, rg_topology *out) {
    for (int i = 0; i < 4; i++)
        if (strcmp(text, topologies[i]) == 0) {
            *out = (rg_topology)i;
            return true;
        }
    return false;
}

bool hw_axes(const char *text, rg_system_level *level) {
    int n = 0;
    double axis[RG_MAX_AXES];
    for (const char *p = text; n < RG_MAX_AXES; p++) {
        long v = 0;
        const char *digits = p;
        for (; *p >= '0' && *p <= '9' && v < 1000000; p++) v = 10 * v + (*p - '0');
        if (p == digits || v < 1 || v > 100000) return false;
        axis[n++] = (double)v;
        if (*p == 'x') continue;
        if (*p) return false;
        memcpy(level->axis, axis, sizeof axis);
        level->n_axes = n;
        return true;
    }
    return false;
}

/* ---- levels ------------------------------------------------------------------------------------------ */

rg_status hw_take_link(rg_arena *arena, const rg_link *link, rg_system_level *l, rg_error *err) {
    const struct {
        const rg_value *from;
        rg_value *to;
    } values[] = {{&link->latency_s, &l->latency_s},
                  {&link->start_s, &l->start_s},
                  {&link->efficiency, &l->efficiency}};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        *values[i].to = *values[i].from;
        RG_TRY(hw_keep(arena, values[i].from->source, &values[i].to->source, err));
    }
    return hw_keep(arena, link->id, &l->link, err);
}

/* Bandwidth of `links` links, or as the level gives it; latency and efficiency of the link unless it does. */
static rg_status read_speed(hw_reader *r, rg_doc_node *node, const rg_link *link, rg_system_level *l,
                            rg_error *err) {
    double links = 0;
    const char *source;
    RG_TRY(rg_doc_number(r->doc, node, "links", false, &links, err));
    RG_TRY(hw_member(r, node, "bandwidth", RG_UNIT_BYTES_PER_S, false, &l->bytes_per_s, err));
    if (l->bytes_per_s.given == (links != 0))
        return hw_wrong(r, node, err, "links: NUMBER or bandwidth: {value, source}",
                        links != 0 ? "both" : "neither of both");
    if (links != 0) {
        if (!(links > 0 && links <= 1e6))
            return hw_wrong(r, rg_doc_get(node, "links"), err, "links of one chip", "%g", links);
        RG_TRY(hw_source(r, node, &source, err));
        l->bytes_per_s = link->bytes_per_s;
        l->bytes_per_s.value *= links;
        l->bytes_per_s.lo *= links;
        l->bytes_per_s.hi *= links;
        l->bytes_per_s.source =
            rg_arena_printf(r->arena, "%g x %s (%s); %s", links, link->id, link->bytes_per_s.source, source);
    } else if (rg_doc_get(node, "source")) {
        RG_TRY(hw_source(r, node, &source, err)); /* of the count of chips */
    }
    RG_TRY(hw_take_link(r->arena, link, l, err));
    RG_TRY(hw_member(r, node, "latency", RG_UNIT_S, false, &l->latency_s, err));
    RG_TRY(hw_member(r, node, "start", RG_UNIT_S, false, &l->start_s, err));
    return hw_share(r, node, "efficiency", false, &l->efficiency, err);
}

static rg_status read_shape(hw_reader *r, rg_doc_node *node, double below, rg_system_level *l,
                            rg_error *err) {
    const char *text;
    RG_TRY(rg_doc_string(r->doc, node, "topology", true, &text, err));
    if (!hw_topology(text, &l->topology))
        return hw_wrong(r, rg_doc_get(node, "topology"), err, "switch, mesh, ring or torus", "\"%.40s\"",
                        text);
    const bool round = l->topology == RG_TOPOLOGY_RING || l->topology == RG_TOPOLOGY_TORUS;
    l->wraps = round;
    if (round) RG_TRY(rg_doc_bool(r->doc, node, "wraps", false, &l->wraps, err));
    if (l->topology == RG_TOPOLOGY_TORUS) {
        RG_TRY(rg_doc_string(r->doc, node, "axes", true, &text, err));
        if (!hw_axes(text, l))
            return hw_wrong(r, rg_doc_get(node, "axes"), err, "up to three counts, as 16x16x16", "\"%.40s\"",
                            text);
        l->n_chips = below;
        for (int i = 0; i < l->n_axes; i++) l->n_chips *= l->axis[i];
    } else {
        RG_TRY(rg_doc_number(r->doc, node, "chips", true, &l->n_chips, err));
    }
    if (!(l->n_chips >= 2 && l->n_chips <= 1e9) || l->n_chips <= below)
        return hw_wrong(r, node, err, "more chips than the level below, at most 1e9", "%g chips", l->n_chips);
    return rg_doc_bool(r->doc, node, "reduces", false, &l->reduces, err);
}

static rg_status read_level(hw_reader *r, rg_doc_node *node, const char *data_dir, rg_system *s,
                            rg_error *err) {
    rg_system_level l = {0};
    rg_link link;
    if (node->kind != RG_DOC_MAP) return hw_wrong(r, node, err, "a level with its keys", "no map");
    RG_TRY(hw_string(r, node, "name", true, &l.name, err));
    for (size_t i = 0; i < s->n_levels; i++)
        if (strcmp(s->level[i].name, l.name) == 0)
            return hw_wrong(r, rg_doc_get(node, "name"), err, "names that differ", "\"%.40s\" twice", l.name);
    RG_TRY(read_shape(r, node, s->n_levels ? s->level[s->n_levels - 1].n_chips : 1, &l, err));
    const char *id;
    RG_TRY(rg_doc_string(r->doc, node, "link", true, &id, err));
    rg_error inner = {0};
    if (rg_link_open(&link, id, data_dir, &inner) != RG_OK) {
        if (inner.status != RG_ERR_USAGE)
            return rg_fail(err, inner.status, inner.where, inner.expected, "%s", inner.message);
        return hw_wrong(r, rg_doc_get(node, "link"), err, inner.expected, "%s", inner.message);
    }
    rg_status status = read_speed(r, node, &link, &l, err);
    rg_link_close(&link);
    if (status == RG_OK) s->level[s->n_levels++] = l;
    return status;
}

/* ---- files ------------------------------------------------------------------------------------------- */

static rg_status read_costs(hw_reader *r, rg_system *s, rg_error *err) {
    rg_doc_node *cost, *power, *root = r->doc->root;
    const rg_chip_number *rent = rg_chip_find(&s->chip, "cost.rent");
    RG_TRY(rg_doc_child(r->doc, root, "cost", RG_DOC_MAP, false, &cost, err));
    RG_TRY(rg_doc_child(r->doc, root, "power", RG_DOC_MAP, false, &power, err));
    if (rent) s->usd_per_chip_h = rent->v;
    if (cost) RG_TRY(hw_member(r, cost, "rent", RG_UNIT_USD_PER_H, true, &s->usd_per_chip_h, err));
    if (power) RG_TRY(hw_member(r, power, "chip", RG_UNIT_W, true, &s->watt_per_chip, err));
    return RG_OK;
}

static rg_status read_system(hw_reader *r, const char *data_dir, rg_system *s, rg_error *err) {
    rg_doc_node *root = r->doc->root, *list;
    const char *chip;
    RG_TRY(hw_begin(r, "system", err));
    RG_TRY(hw_string(r, root, "id", true, &s->id, err));
    RG_TRY(hw_string(r, root, "name", true, &s->name, err));
    RG_TRY(hw_string(r, root, "notes", false, &s->notes, err));
    RG_TRY(hw_read_aliases(r, &s->n_alias, &s->alias, err));
    RG_TRY(rg_doc_string(r->doc, root, "chip", true, &chip, err));
    rg_error inner = {0};
    if (rg_chip_open(&s->chip, chip, data_dir, &inner) != RG_OK)
        return inner.status == RG_ERR_USAGE
                   ? hw_wrong(r, rg_doc_get(root, "chip"), err, inner.expected, "%s", inner.message)
                   : rg_fail(err, inner.status, inner.where, inner.expected, "%s", inner.message);
    RG_TRY(rg_doc_child(r->doc, root, "levels", RG_DOC_LIST, true, &list, err));
    if (list->n > RG_MAX_LEVELS) return hw_wrong(r, list, err, "at most four levels", "%zu levels", list->n);
    for (rg_doc_node *c = list->child; c; c = c->next) RG_TRY(read_level(r, c, data_dir, s, err));
    RG_TRY(read_costs(r, s, err));
    return hw_end(r, err);
}

static rg_status from_doc(rg_system *out, rg_doc *doc, const char *data_dir, rg_error *err) {
    rg_system s = {0};
    hw_reader r = {.doc = doc, .arena = &s.arena};
    rg_status status = hw_keep(&s.arena, doc->file, &s.file, err);
    if (status == RG_OK) status = read_system(&r, data_dir, &s, err);
    rg_doc_close(doc);
    if (status == RG_OK)
        *out = s;
    else
        rg_system_close(&s);
    return status;
}

rg_status rg_system_parse(rg_system *out, const char *text, size_t size, const char *name,
                          const char *data_dir, rg_error *err) {
    rg_doc doc;
    RG_TRY(rg_doc_parse(&doc, text, size, name, false, err));
    return from_doc(out, &doc, data_dir, err);
}

rg_status rg_system_list(const char *data_dir, rg_arena *arena, const char ***ids, size_t *n, rg_error *err) {
    return hw_list(data_dir, "systems", arena, ids, n, err);
}

rg_status rg_system_open(rg_system *out, const char *id, const char *data_dir, rg_error *err) {
    rg_arena arena = {0};
    const char *found = NULL;
    rg_doc doc;
    rg_error inner = {0}; /* a data folder of chips alone has no systems */
    rg_status status = hw_find(data_dir, "systems", id, &arena, &found, &inner);
    if (status == RG_OK && found) status = hw_open(&doc, data_dir, "systems", found, &inner);
    const bool none = status == RG_OK ? !found : inner.status == RG_ERR_IO;
    rg_arena_free(&arena);
    if (none) return hw_system_of_chip(out, id, data_dir, err);
    if (status != RG_OK) return rg_fail(err, status, inner.where, inner.expected, "%s", inner.message);
    return from_doc(out, &doc, data_dir, err);
}

void rg_system_close(rg_system *s) {
    if (!s) return;
    rg_chip_close(&s->chip);
    rg_arena_free(&s->arena);
    memset(s, 0, sizeof *s);
}
