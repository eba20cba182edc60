/* A chip as a system of its own, and what-if changes of a system. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hw/system.h"

/* ---- the chip's scale-up domain ---------------------------------------------------------------------- */

static rg_status read_scaleup(rg_system *s, const char *data_dir, rg_error *err) {
    const rg_chip_number *bandwidth = rg_chip_find(&s->chip, "scaleup.bandwidth");
    const rg_chip_number *domain = rg_chip_find(&s->chip, "scaleup.domain");
    if (!bandwidth || !domain || !(domain->v.value >= 2)) return RG_OK;
    const struct rg_chip_scaleup *up = &s->chip.scaleup;
    rg_system_level *l = &s->level[0];
    rg_link link;
    *l = (rg_system_level){.name = "scaleup", .n_chips = domain->v.value, .bytes_per_s = bandwidth->v};
    if (!up->link)
        return rg_fail(err, RG_ERR_PARSE, s->chip.file, "scaleup.link, an id of data/links",
                       "%s has a scale-up domain without a link", s->chip.id);
    RG_TRY(rg_link_open(&link, up->link, data_dir, err));
    rg_status status = hw_take_link(&s->arena, &link, l, err);
    rg_link_close(&link);
    RG_TRY(status);
    if (up->topology && !hw_topology(up->topology, &l->topology))
        return rg_fail(err, RG_ERR_PARSE, s->chip.file, "switch, mesh, ring or torus",
                       "scaleup.topology is \"%.40s\"", up->topology);
    l->wraps = l->topology == RG_TOPOLOGY_RING || l->topology == RG_TOPOLOGY_TORUS;
    if (l->topology == RG_TOPOLOGY_TORUS) {
        double n = 1;
        const bool good = up->axes && hw_axes(up->axes, l);
        for (int i = 0; good && i < l->n_axes; i++) n *= l->axis[i];
        if (!good || n != l->n_chips)
            return rg_fail(err, RG_ERR_PARSE, s->chip.file, "scaleup.axes that give scaleup.domain, as 16x16",
                           "scaleup.axes is \"%.40s\"", up->axes ? up->axes : "");
    }
    s->n_levels = 1;
    return RG_OK;
}

rg_status hw_system_of_chip(rg_system *out, const char *id, const char *data_dir, rg_error *err) {
    rg_system s = {0};
    rg_error inner = {0};
    rg_status status = rg_chip_open(&s.chip, id, data_dir, &inner);
    if (status == RG_ERR_USAGE)
        return rg_fail(err, status, inner.where, "an id or alias that \"ridge hw list\" prints",
                       "unknown system or chip \"%.80s\"", id);
    if (status != RG_OK) return rg_fail(err, status, inner.where, inner.expected, "%s", inner.message);
    s.id = s.chip.id;
    s.name = s.chip.name;
    s.file = s.chip.file;
    s.n_alias = s.chip.n_alias;
    s.alias = s.chip.alias;
    const rg_chip_number *rent = rg_chip_find(&s.chip, "cost.rent");
    if (rent) s.usd_per_chip_h = rent->v;
    status = read_scaleup(&s, data_dir, err);
    if (status == RG_OK)
        *out = s;
    else
        rg_system_close(&s);
    return status;
}

/* ---- what-if ----------------------------------------------------------------------------------------- */

static rg_status set_value(rg_system *s, const char *assignment, const char *text, rg_unit unit, rg_value *v,
                           rg_error *err) {
    double value = 0;
    RG_TRY(hw_new_value(assignment, text, unit, v, &value, err));
    const char *source = v->given ? rg_arena_printf(&s->arena, "set by hand (%s); was %.6g: %s", assignment,
                                                    v->value, v->source)
                                  : rg_arena_printf(&s->arena, "set by hand (%s)", assignment);
    if (!source) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    *v = (rg_value){.value = value, .source = source, .given = true};
    return RG_OK;
}

static rg_status set_flag(const char *assignment, const char *text, bool *out, rg_error *err) {
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return hw_no_set(err, assignment, "true or false", "neither of them");
    *out = text[0] == 't';
    return RG_OK;
}

/* Levels stay nested: each joins more chips than the one below. */
static rg_status set_chips(rg_system *s, rg_system_level *l, const char *assignment, double chips,
                           rg_error *err) {
    const size_t at = (size_t)(l - s->level);
    const double below = at ? s->level[at - 1].n_chips : 1;
    if (!(chips > below && chips <= 1e9) ||
        (at + 1 < s->n_levels && (s->level[at + 1].topology == RG_TOPOLOGY_TORUS || chips >= l[1].n_chips)))
        return hw_no_set(err, assignment, "more chips than the level below has, fewer than the next",
                         "levels that do not nest");
    l->n_chips = chips;
    return RG_OK;
}

static rg_status set_axes(rg_system *s, rg_system_level *l, const char *assignment, const char *text,
                          rg_error *err) {
    rg_system_level changed = *l;
    double chips = l > s->level ? l[-1].n_chips : 1;
    if (l->topology != RG_TOPOLOGY_TORUS || !hw_axes(text, &changed))
        return hw_no_set(err, assignment, "up to three counts of a torus, as 4x4x4", "no such axes");
    for (int i = 0; i < changed.n_axes; i++) chips *= changed.axis[i];
    RG_TRY(set_chips(s, l, assignment, chips, err));
    changed.n_chips = chips;
    *l = changed;
    return RG_OK;
}

static rg_status set_level(rg_system *s, rg_system_level *l, const char *key, const char *assignment,
                           const char *text, rg_error *err) {
    double chips;
    if (strcmp(key, "latency") == 0) return set_value(s, assignment, text, RG_UNIT_S, &l->latency_s, err);
    if (strcmp(key, "start") == 0) return set_value(s, assignment, text, RG_UNIT_S, &l->start_s, err);
    if (strcmp(key, "axes") == 0) return set_axes(s, l, assignment, text, err);
    if (strcmp(key, "reduces") == 0) return set_flag(assignment, text, &l->reduces, err);
    if (strcmp(key, "wraps") == 0) return set_flag(assignment, text, &l->wraps, err);
    if (strcmp(key, "efficiency") == 0) {
        rg_value v = l->efficiency;
        RG_TRY(set_value(s, assignment, text, RG_UNIT_COUNT, &v, err));
        if (v.value > 1) return hw_no_set(err, assignment, "a share, at most 1", "more than all");
        l->efficiency = v;
        return RG_OK;
    }
    if ((strcmp(key, "chips") == 0 || strcmp(key, "domain") == 0) && l->topology != RG_TOPOLOGY_TORUS) {
        const rg_value old = {.value = l->n_chips, .given = true};
        RG_TRY(hw_new_value(assignment, text, RG_UNIT_COUNT, &old, &chips, err));
        return set_chips(s, l, assignment, chips, err);
    }
    if (strcmp(key, "bandwidth") != 0)
        return hw_no_set(err, assignment,
                         "bandwidth, latency, start, efficiency, chips, axes, wraps or reduces",
                         "no number of a level");
    RG_TRY(set_value(s, assignment, text, RG_UNIT_BYTES_PER_S, &l->bytes_per_s, err));
    char same[64];
    if (l != s->level || !rg_chip_find(&s->chip, "scaleup.bandwidth")) return RG_OK;
    snprintf(same, sizeof same, "scaleup.bandwidth=%.17g", l->bytes_per_s.value);
    return rg_chip_set(&s->chip, same, err);
}

static const char *after(const char *text, const char *name) {
    const size_t n = strlen(name);
    return strncmp(text, name, n) == 0 && text[n] == '.' ? text + n + 1 : text;
}

/* "dgx-h100.nvlink.bandwidth", "h100.scaleup.bandwidth": without the name of the system or its chip. */
static const char *without_name(const rg_system *s, const char *text) {
    const char *rest = after(text, s->id);
    for (size_t i = 0; i < s->n_alias && rest == text; i++) rest = after(text, s->alias[i]);
    if (rest == text) rest = after(text, s->chip.id);
    for (size_t i = 0; i < s->chip.n_alias && rest == text; i++) rest = after(text, s->chip.alias[i]);
    return rest;
}

static rg_system_level *level_of(rg_system *s, const char *name, size_t n) {
    for (size_t i = 0; i < s->n_levels; i++) {
        const char *other = i == 0 ? "scaleup" : i == 1 ? "scaleout" : "";
        if ((strlen(s->level[i].name) == n && strncmp(s->level[i].name, name, n) == 0) ||
            (strlen(other) == n && strncmp(other, name, n) == 0))
            return &s->level[i];
    }
    return NULL;
}

rg_status rg_system_set(rg_system *s, const char *assignment, rg_error *err) {
    const char *equals = strchr(assignment, '='), *rest = without_name(s, assignment);
    if (!equals) return hw_no_set(err, assignment, "NAME=VALUE", "no \"=\"");
    if (strncmp(rest, "power.chip=", 11) == 0)
        return set_value(s, assignment, equals + 1, RG_UNIT_W, &s->watt_per_chip, err);
    if (strncmp(rest, "cost.rent=", 10) == 0)
        return set_value(s, assignment, equals + 1, RG_UNIT_USD_PER_H, &s->usd_per_chip_h, err);
    const char *dot = strchr(rest, '.');
    rg_system_level *level = dot && dot < equals ? level_of(s, rest, (size_t)(dot - rest)) : NULL;
    if (!level) return rg_chip_set(&s->chip, rest, err);
    char key[32];
    snprintf(key, sizeof key, "%.*s", (int)(equals - dot - 1 < 31 ? equals - dot - 1 : 31), dot + 1);
    return set_level(s, level, key, assignment, equals + 1, err);
}
