/* ridge hw: a system and a link as text and as JSON. */
#include <math.h>
#include <string.h>

#include "hw_commands.h"

static void json_value(rg_str *out, const char *key, const rg_value *v) {
    rg_str_printf(out, ", \"%s\": ", key);
    if (!v->given) {
        rg_str_add(out, "null");
        return;
    }
    rg_str_add(out, "{\"value\": ");
    cli_print_json_number(out, v->value);
    cli_json_number(out, "lo", v->hi > 0 ? v->lo : NAN);
    cli_json_number(out, "hi", v->hi > 0 ? v->hi : NAN);
    cli_json_string(out, "source", v->source);
    rg_str_add(out, "}");
}

static void json_level(rg_str *out, const rg_system_level *l) {
    rg_str_add(out, "{\"name\": ");
    cli_print_json_string(out, l->name);
    cli_json_string(out, "link", l->link);
    cli_json_string(out, "topology", rg_topology_name(l->topology));
    cli_json_number(out, "chips", l->n_chips);
    rg_str_add(out, ", \"axes\": [");
    for (int i = 0; i < l->n_axes; i++) rg_str_printf(out, "%s%.0f", i ? ", " : "", l->axis[i]);
    rg_str_printf(out, "], \"wraps\": %s, \"reduces\": %s", l->wraps ? "true" : "false",
                  l->reduces ? "true" : "false");
    json_value(out, "bytes_per_s", &l->bytes_per_s);
    json_value(out, "latency_s", &l->latency_s);
    json_value(out, "start_s", &l->start_s);
    json_value(out, "efficiency", &l->efficiency);
    rg_str_add(out, "}");
}

void cli_hw_json_system(rg_str *out, const rg_system *s) {
    rg_str_add(out, "{\"id\": ");
    cli_print_json_string(out, s->id);
    cli_json_string(out, "name", s->name);
    rg_str_add(out, ", \"aliases\": [");
    for (size_t i = 0; i < s->n_alias; i++) {
        if (i) rg_str_add(out, ", ");
        cli_print_json_string(out, s->alias[i]);
    }
    rg_str_add(out, "]");
    cli_json_string(out, "chip", s->chip.id);
    rg_str_add(out, ", \"levels\": [");
    for (size_t i = 0; i < s->n_levels; i++) {
        if (i) rg_str_add(out, ", ");
        json_level(out, &s->level[i]);
    }
    rg_str_add(out, "]");
    json_value(out, "usd_per_chip_h", &s->usd_per_chip_h);
    json_value(out, "watt_per_chip", &s->watt_per_chip);
    cli_json_string(out, "notes", s->notes);
    rg_str_add(out, "}");
}

void cli_hw_json_link(rg_str *out, const rg_link *l) {
    rg_str_add(out, "{\"id\": ");
    cli_print_json_string(out, l->id);
    cli_json_string(out, "name", l->name);
    cli_json_string(out, "vendor", l->vendor);
    cli_json_string(out, "kind", l->kind);
    cli_json_number(out, "year", l->year);
    json_value(out, "bytes_per_s", &l->bytes_per_s);
    json_value(out, "latency_s", &l->latency_s);
    json_value(out, "start_s", &l->start_s);
    json_value(out, "efficiency", &l->efficiency);
    cli_json_string(out, "notes", l->notes);
    rg_str_add(out, "}");
}

void cli_hw_system_json(const rg_system *s) {
    rg_str out = {0};
    cli_hw_json_system(&out, s);
    cli_json_end(&out);
}

void cli_hw_link_json(const rg_link *l) {
    rg_str out = {0};
    cli_hw_json_link(&out, l);
    cli_json_end(&out);
}

static void print_value(const char *name, const rg_value *v, rg_unit unit) {
    char value[48], range[104];
    if (v->given)
        printf("%-20s %14s  %-22s %s\n", name, rg_units_print(v->value, unit, value, sizeof value),
               cli_hw_range(v, unit, range, sizeof range), v->source);
}

static void print_speeds(const rg_value *bandwidth, const rg_value *latency, const rg_value *start,
                         const rg_value *efficiency) {
    print_value("  bandwidth", bandwidth, RG_UNIT_BYTES_PER_S);
    print_value("  latency", latency, RG_UNIT_S);
    print_value("  start", start, RG_UNIT_S);
    print_value("  efficiency", efficiency, RG_UNIT_COUNT);
}

void cli_hw_system_text(const rg_system *s) {
    printf("%s (%s", s->name, s->id);
    for (size_t i = 0; i < s->n_alias; i++) printf(", %s", s->alias[i]);
    printf("): %s (%s), levels from the inside, per chip and direction\n", s->chip.name, s->chip.id);
    if (s->notes) printf("notes: %s\n", s->notes);
    printf("\n%-20s %14s  %-22s %s\n", "number", "value", "range", "source");
    for (size_t i = 0; i < s->n_levels; i++) {
        const rg_system_level *l = &s->level[i];
        printf("%s: %.0f chips, %s of %s", l->name, l->n_chips, rg_topology_name(l->topology), l->link);
        for (int a = 0; a < l->n_axes; a++) printf("%s%.0f", a ? " x " : ", ", l->axis[a]);
        printf("%s%s\n", l->n_axes && !l->wraps ? ", ends not joined" : "",
               l->reduces ? ", switches sum" : "");
        print_speeds(&l->bytes_per_s, &l->latency_s, &l->start_s, &l->efficiency);
    }
    print_value("rent per chip", &s->usd_per_chip_h, RG_UNIT_USD_PER_H);
    print_value("power per chip", &s->watt_per_chip, RG_UNIT_W);
}

void cli_hw_link_text(const rg_link *l) {
    printf("%s (%s): %s, %s, %d, one link in one direction\n", l->name, l->id, l->vendor, l->kind, l->year);
    if (l->notes) printf("notes: %s\n", l->notes);
    printf("\n%-20s %14s  %-22s %s\n", "number", "value", "range", "source");
    print_speeds(&l->bytes_per_s, &l->latency_s, &l->start_s, &l->efficiency);
}
