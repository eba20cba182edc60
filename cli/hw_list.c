/* ridge hw list: chips, systems, links. */
#include <string.h>

#include "hw_commands.h"

static const char *rate_text(const rg_chip *c, const char *type, char *buf, size_t size) {
    double rate;
    if (rg_chip_rate_of(c, type, &rate, NULL) != RG_OK)
        snprintf(buf, size, "-");
    else
        snprintf(buf, size, "%.6g", rate / 1e12);
    return buf;
}

static void chip_row(rg_str *out, const rg_chip *c) {
    static const char *const types[] = {"fp32", "bf16", "fp8", "fp4", "int8"};
    char text[32], names[80] = "";
    for (size_t i = 0, n = 0; i < c->n_alias && n < sizeof names; i++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i ? " " : "", c->alias[i]);
    rg_str_printf(out, "%-27s %-14s %4d", c->id, *names ? names : "-", c->year);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        /* parts from before bf16 have fp16 in its place */
        const bool older = strcmp(types[i], "bf16") == 0 && !rg_chip_find(c, "rates.bf16");
        rg_str_printf(out, " %8s", rate_text(c, older ? "fp16" : types[i], text, sizeof text));
    }
    rg_str_printf(out, " %8.4g %8.8g %s\n", c->memory_bytes.value / 1e9, c->memory_bytes_per_s.value / 1e9,
                  c->sparse_peaks ? "sparse peaks" : c->confidence);
}

static rg_status list_chips(cli_context *context, rg_arena *arena, rg_str *out, rg_error *err) {
    const char **ids;
    size_t n;
    RG_TRY(rg_chip_list(context->data_dir, arena, &ids, &n, err));
    for (size_t i = 0; i < n; i++) {
        rg_chip chip;
        RG_TRY(rg_chip_open(&chip, ids[i], context->data_dir, err));
        if (context->json) {
            rg_str_add(out, i ? ",\n  " : "\n  ");
            cli_hw_json_chip(out, &chip);
            rg_str_add(out, "}");
        } else {
            chip_row(out, &chip);
        }
        rg_chip_close(&chip);
    }
    return RG_OK;
}

static void system_row(rg_str *out, const rg_system *s) {
    char rate[48];
    rg_str_printf(out, "%-27s %-20s", s->id, s->chip.id);
    for (size_t i = 0; i < s->n_levels; i++) {
        const rg_system_level *l = &s->level[i];
        rg_str_printf(out, "%s%s: %.0f chips, %s %s", i ? "; " : " ", l->name, l->n_chips,
                      rg_topology_name(l->topology),
                      rg_units_print(l->bytes_per_s.value, RG_UNIT_BYTES_PER_S, rate, sizeof rate));
    }
    rg_str_add(out, "\n");
}

static rg_status list_systems(cli_context *context, rg_arena *arena, rg_str *out, rg_error *err) {
    const char **ids;
    size_t n;
    if (rg_system_list(context->data_dir, arena, &ids, &n, NULL) != RG_OK) return RG_OK; /* chips alone */
    for (size_t i = 0; i < n; i++) {
        rg_system s;
        RG_TRY(rg_system_open(&s, ids[i], context->data_dir, err));
        if (context->json) rg_str_add(out, i ? ",\n  " : "\n  ");
        (context->json ? cli_hw_json_system : system_row)(out, &s);
        rg_system_close(&s);
    }
    return RG_OK;
}

static void link_row(rg_str *out, const rg_link *l) {
    char rate[48];
    rg_str_printf(out, "%-27s %-10s %4d %14s  %s\n", l->id, l->kind, l->year,
                  rg_units_print(l->bytes_per_s.value, RG_UNIT_BYTES_PER_S, rate, sizeof rate), l->name);
}

static rg_status list_links(cli_context *context, rg_arena *arena, rg_str *out, rg_error *err) {
    const char **ids;
    size_t n;
    if (rg_link_list(context->data_dir, arena, &ids, &n, NULL) != RG_OK) return RG_OK;
    for (size_t i = 0; i < n; i++) {
        rg_link l;
        RG_TRY(rg_link_open(&l, ids[i], context->data_dir, err));
        if (context->json) rg_str_add(out, i ? ",\n  " : "\n  ");
        (context->json ? cli_hw_json_link : link_row)(out, &l);
        rg_link_close(&l);
    }
    return RG_OK;
}

static void technology_row(rg_str *out, const rg_technology *t) {
    char text[48];
    rg_str_printf(out, "%-27s %-8s %4d ", t->id, t->kind, t->year);
    for (size_t i = 0; i < t->n_numbers; i++)
        rg_str_printf(out, "%s %s %s", i ? "," : "", t->number[i].name,
                      rg_units_print(t->number[i].v.value, t->number[i].unit, text, sizeof text));
    rg_str_add(out, "\n");
}

static rg_status list_technologies(cli_context *context, rg_arena *arena, rg_str *out, rg_error *err) {
    const char **ids;
    size_t n;
    if (rg_technology_list(context->data_dir, arena, &ids, &n, NULL) != RG_OK) return RG_OK;
    for (size_t i = 0; i < n; i++) {
        rg_technology t;
        RG_TRY(rg_technology_open(&t, ids[i], context->data_dir, err));
        if (context->json) rg_str_add(out, i ? ",\n  " : "\n  ");
        (context->json ? cli_hw_json_technology : technology_row)(out, &t);
        rg_technology_close(&t);
    }
    return RG_OK;
}

static rg_status list_all(cli_context *context, rg_arena *arena, rg_str *out, rg_error *err) {
    static const struct {
        const char *key, *head, *foot;
        rg_status (*print)(cli_context *context, rg_arena *arena, rg_str *out, rg_error *err);
    } parts[] = {
        {"chips",
         "id                          aliases        year     fp32     bf16      fp8      fp4     int8 "
         "      GB     GB/s confidence\n",
         "rates in 10^12 operations per second, dense, a multiply-add is two; bf16: fp16 where that is "
         "all there is; -: not published\n",
         list_chips},
        {"systems", "\nsystem                      chip                 levels, per chip and direction\n", "",
         list_systems},
        {"links", "\nlink                        kind       year      bandwidth  name\n",
         "bandwidth of one link in one direction\n", list_links},
        {"technologies", "\ntechnology                  kind     year  numbers\n",
         "each number has a range: ridge hw show", list_technologies}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (context->json)
            rg_str_printf(out, "%s\"%s\": [", i ? "],\n " : "{", parts[i].key);
        else
            rg_str_add(out, parts[i].head);
        RG_TRY(parts[i].print(context, arena, out, err));
        if (!context->json) rg_str_add(out, parts[i].foot);
    }
    if (context->json) rg_str_add(out, "]}");
    return RG_OK;
}

rg_status cli_hw_list(cli_context *context, rg_error *err) {
    rg_arena arena = {0};
    rg_str out = {0};
    const rg_status status = list_all(context, &arena, &out, err);
    if (status == RG_OK) cli_json_end(&out);
    rg_str_free(&out);
    rg_arena_free(&arena);
    return status;
}
