/* The list of claims at the end of report.html: closed until a number leads there. */
#include "report/report.h"

#include <string.h>

static void escape(rg_str *out, const char *text) {
    report_escape(out, text, strlen(text), FORM_HTML);
}

static void row(rg_str *out, const char *name, const json_t *value, const char *open, const char *close) {
    if (!json_is_string(value)) return;
    rg_str_printf(out, "<dt>%s</dt><dd>%s", name, open);
    escape(out, json_string_value(value));
    rg_str_printf(out, "%s</dd>", close);
}

static void value_of(rg_str *out, const json_t *claim) {
    const json_t *value = json_object_get(claim, "value");
    const char *unit = json_string_value(json_object_get(claim, "unit"));
    if (!json_is_number(value)) return;
    report_number(out, json_number_value(value));
    if (unit && strcmp(unit, "1") != 0) {
        rg_str_add(out, " ");
        escape(out, unit);
    }
}

static void interval(rg_str *out, const json_t *claim) {
    const json_t *lo = json_object_get(claim, "lo"), *hi = json_object_get(claim, "hi");
    const char *what = json_string_value(json_object_get(claim, "interval"));
    if (!json_is_number(lo) || !json_is_number(hi)) return;
    rg_str_add(out, "<dt>interval</dt><dd>");
    report_number(out, json_number_value(lo));
    rg_str_add(out, " to ");
    report_number(out, json_number_value(hi));
    if (what) {
        rg_str_add(out, ": ");
        escape(out, what);
    }
    rg_str_add(out, "</dd>");
}

static void inputs(rg_str *out, const rg_report *r, const json_t *list) {
    if (json_array_size(list) == 0) return;
    rg_str_add(out, "<dt>inputs</dt><dd><ul>");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *in = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(in, "name"));
        const char *path = json_string_value(json_object_get(in, "path"));
        const char *digest = json_string_value(json_object_get(in, "sha256"));
        rg_str_add(out, "<li>");
        escape(out, name ? name : "");
        if (path) {
            rg_str_add(out, ": ");
            escape(out, path);
        }
        bool listed = !path && digest && json_object_get(r->by_id, digest);
        rg_str_add(out, listed ? " <a href=\"#claim-" : " <code>");
        escape(out, digest ? digest : "");
        if (listed) {
            rg_str_add(out, "\">claim ");
            escape(out, digest);
        }
        rg_str_add(out, listed ? "</a></li>" : "</code></li>");
    }
    rg_str_add(out, "</ul></dd>");
}

static void versions(rg_str *out, const json_t *list) {
    if (json_array_size(list) == 0) return;
    rg_str_add(out, "<dt>versions</dt><dd>");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (i) rg_str_add(out, ", ");
        escape(out, text ? text : "");
    }
    rg_str_add(out, "</dd>");
}

static void claim(rg_str *out, const rg_report *r, const struct report_claim *c) {
    rg_str_printf(out,
                  "<details class=\"claim\" id=\"claim-%s\"><summary><code>%s</code> <span class=\"kind\">",
                  c->id, c->id);
    escape(out, json_string_value(json_object_get(c->json, "class")));
    rg_str_add(out, "</span> ");
    escape(out, json_string_value(json_object_get(c->json, "subject")));
    rg_str_add(out, " <span class=\"value\">");
    if (json_is_number(json_object_get(c->json, "value"))) rg_str_add(out, "= ");
    value_of(out, c->json);
    rg_str_add(out, "</span></summary><dl>");
    row(out, "text", json_object_get(c->json, "text"), "", "");
    interval(out, c->json);
    row(out, "source", json_object_get(c->json, "source"), "", "");
    row(out, "status", json_object_get(c->json, "status"), "", "");
    row(out, "date", json_object_get(c->json, "date"), "", "");
    inputs(out, r, json_object_get(c->json, "inputs"));
    row(out, "command", json_object_get(c->json, "command"), "<pre>", "</pre>");
    row(out, "result at", json_object_get(c->json, "result"), "<code>", "</code>");
    versions(out, json_object_get(c->json, "versions"));
    rg_str_add(out, "</dl></details>\n");
}

void report_html_claims(rg_str *out, const rg_report *r) {
    if (r->n_claims == 0) return;
    rg_str_printf(out,
                  "<section id=\"claims\"><h2>Claims</h2>\n<details><summary>What every number rests on: %zu "
                  "claim%s with value, inputs and command</summary>\n",
                  r->n_claims, r->n_claims == 1 ? "" : "s");
    for (size_t i = 0; i < r->n_claims; i++) claim(out, r, &r->claim[i]);
    rg_str_add(out, "</details></section>\n");
}
