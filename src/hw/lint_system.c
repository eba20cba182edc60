/* Checks over systems and links: they open, chips name links that exist, and a system does not contradict its
   chip. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hw/system.h"
#include "ridge/technology.h"

static bool has(const char *const *ids, size_t n, const char *id) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(ids[i], id) == 0) return true;
    return false;
}

static bool names_chip(const rg_chip_lint *l, const char *name) {
    for (size_t i = 0; i < l->n_chips; i++) {
        if (strcmp(l->chip[i].id, name) == 0) return true;
        if (has(l->chip[i].alias, l->chip[i].n_alias, name)) return true;
    }
    return false;
}

static rg_status check_links(rg_chip_lint *l, const char *data_dir, rg_error *err) {
    const char **ids;
    if (rg_link_list(data_dir, &l->arena, &ids, &l->n_links, NULL) != RG_OK) return RG_OK; /* chips alone */
    for (size_t i = 0; i < l->n_links; i++) {
        rg_link link;
        RG_TRY(rg_link_open(&link, ids[i], data_dir, err));
        rg_link_close(&link);
    }
    for (size_t i = 0; i < l->n_chips; i++) {
        const char *link = l->chip[i].scaleup.link;
        if (link && !has(ids, l->n_links, link))
            RG_TRY(hw_find_fault(l, l->chip[i].id, "link", "scaleup.link",
                                 rg_arena_printf(&l->arena, "no link \"%s\"", link), NULL, err));
    }
    return RG_OK;
}

/* The first level is the chip's scale-up domain, the second what its file calls scale-out. */
static rg_status check_system(rg_chip_lint *l, const rg_system *s, const char *id, rg_error *err) {
    static const char *const paths[] = {"scaleup.bandwidth", "scaleout.bandwidth"};
    for (size_t i = 0; i < s->n_levels && i < 2; i++) {
        const rg_chip_number *n = rg_chip_find(&s->chip, paths[i]);
        const double has_value = s->level[i].bytes_per_s.value;
        if (n && fabs(n->v.value / has_value - 1) > 0.02)
            RG_TRY(hw_find_fault(l, id, "level", paths[i],
                                 rg_arena_printf(&l->arena, "%s has %.4g GB/s, its chip %.4g",
                                                 s->level[i].name, has_value / 1e9, n->v.value / 1e9),
                                 NULL, err));
    }
    const rg_chip_number *domain = rg_chip_find(&s->chip, "scaleup.domain");
    if (domain && s->n_levels && domain->v.value != s->level[0].n_chips)
        RG_TRY(hw_find_fault(l, id, "level", "scaleup.domain",
                             rg_arena_printf(&l->arena, "%s joins %g chips, the chip's file has %g",
                                             s->level[0].name, s->level[0].n_chips, domain->v.value),
                             NULL, err));
    for (size_t i = 0; i <= s->n_alias; i++) {
        const char *name = i < s->n_alias ? s->alias[i] : s->id;
        if (names_chip(l, name))
            RG_TRY(hw_find_fault(l, id, "alias", "aliases",
                                 rg_arena_printf(&l->arena, "\"%s\" is also a name of a chip", name), NULL,
                                 err));
    }
    return RG_OK;
}

static rg_status check_technologies(rg_chip_lint *l, const char *data_dir, rg_error *err) {
    const char **ids;
    if (rg_technology_list(data_dir, &l->arena, &ids, &l->n_technologies, NULL) != RG_OK) return RG_OK;
    for (size_t i = 0; i < l->n_technologies; i++) {
        rg_technology t;
        RG_TRY(rg_technology_open(&t, ids[i], data_dir, err));
        rg_technology_close(&t);
    }
    return RG_OK;
}

rg_status hw_lint_systems(rg_chip_lint *l, const char *data_dir, rg_error *err) {
    const char **ids;
    RG_TRY(check_links(l, data_dir, err));
    RG_TRY(check_technologies(l, data_dir, err));
    if (rg_system_list(data_dir, &l->arena, &ids, &l->n_systems, NULL) != RG_OK) return RG_OK;
    for (size_t i = 0; i < l->n_systems; i++) {
        rg_system s;
        RG_TRY(rg_system_open(&s, ids[i], data_dir, err));
        const rg_status status = check_system(l, &s, ids[i], err);
        rg_system_close(&s);
        RG_TRY(status);
    }
    return RG_OK;
}
