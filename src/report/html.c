/* report.html: one file that asks the network for nothing. */
#include "report/report.h"

#include <string.h>

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    /* the browser itself sees to it that nothing is fetched */
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; img-src data: blob:; form-action 'none'; base-uri 'none'\">\n"
    "<link rel=\"icon\" href=\"data:,\">\n<title>";

static const char no_chart[] =
    "<div class=\"nochart\">Not drawn: plotly.js was not at hand when this report was written. Run "
    "<code>./quickstart</code>, or take <code>package_data/plotly.min.js</code> out of the Python package "
    "plotly "
    "7.1.0 and give it by <code>--plotly FILE</code>. The tables hold the same numbers.</div>\n";

static void inline_html(rg_str *out, const char *text) {
    report_inline(out, text, FORM_HTML);
}

static void paragraphs(rg_str *out, const char *text) {
    while (*text) {
        const char *end = strstr(text, "\n\n");
        size_t n = end ? (size_t)(end - text) : strlen(text);
        rg_str one = {0};
        rg_str_add_n(&one, text, n);
        rg_str_add(out, "<p>");
        inline_html(out, one.data ? one.data : "");
        rg_str_add(out, "</p>\n");
        out->failed = out->failed || one.failed;
        rg_str_free(&one);
        text += n + strspn(text + n, "\n");
    }
}

static void contents(rg_str *out, const rg_report *r) {
    rg_str_add(out, "<nav aria-label=\"Contents\"><ul>");
    for (const report_block *b = r->first; b; b = b->next) {
        if (b->kind != BLOCK_HEADING || b->level != 2 || !b->name) continue;
        rg_str_printf(out, "<li><a href=\"#%s\">", b->name);
        inline_html(out, b->text);
        rg_str_add(out, "</a></li>");
    }
    if (r->n_claims) rg_str_add(out, "<li><a href=\"#claims\">Claims</a></li>");
    rg_str_add(out, "</ul></nav>\n");
}

/* JSON inside a script element: no '<' can end it. */
static void figure_json(rg_str *out, const char *json) {
    for (; *json; json++) {
        if (*json == '<')
            rg_str_add(out, "\\u003c");
        else
            rg_str_add_n(out, json, 1);
    }
}

static int chart_height(const report_block *b) {
    json_t *figure = json_loads(b->figure, 0, NULL);
    json_t *height = json_object_get(json_object_get(figure, "layout"), "height");
    double px = json_is_number(height) ? json_number_value(height) : 450;
    json_decref(figure);
    return px >= 50 && px <= 5000 ? (int)px : 450;
}

static void chart(rg_str *out, const report_block *b, bool draw) {
    rg_str_printf(out, "<figure class=\"chart\" id=\"chart-%s\">", b->name);
    if (draw) {
        rg_str_printf(out,
                      "<div class=\"plot\" data-chart=\"%s\" role=\"img\" aria-labelledby=\"caption-%s\" "
                      "style=\"min-height:%dpx\"></div>\n<script type=\"application/json\" id=\"figure-%s\">",
                      b->name, b->name, chart_height(b), b->name);
        figure_json(out, b->figure);
        rg_str_add(out, "</script>\n");
    } else {
        rg_str_add(out, no_chart);
    }
    rg_str_printf(out, "<figcaption id=\"caption-%s\">", b->name);
    inline_html(out, b->more);
    rg_str_add(out, " ");
    inline_html(out, b->text);
    rg_str_add(out, "</figcaption></figure>\n");
}

static void block(rg_str *out, const report_block *b, bool draw) {
    switch (b->kind) {
    case BLOCK_HEADING:
        rg_str_printf(out, "<h%d", b->level);
        if (b->name) rg_str_printf(out, " id=\"%s\"", b->name);
        rg_str_add(out, ">");
        inline_html(out, b->text);
        rg_str_printf(out, "</h%d>\n", b->level);
        break;
    case BLOCK_TEXT:
        paragraphs(out, b->text);
        break;
    case BLOCK_CALLOUT:
        rg_str_printf(out, "<aside class=\"callout %s\"><p class=\"title\">", b->name);
        inline_html(out, b->more);
        rg_str_add(out, "</p>\n");
        paragraphs(out, b->text);
        rg_str_add(out, "</aside>\n");
        break;
    case BLOCK_TABLE:
        report_html_table(out, b);
        break;
    case BLOCK_CHART:
        chart(out, b, draw);
        break;
    }
}

/* Inside a script element "</script" and "<!--" would change how the rest is read. A link in a string of
   plotly's (to its own site, in a part that is switched off) is spelled so that a search for links to fetch
   finds none. */
static void embed(rg_str *out, const char *script, size_t size) {
    static const char *const change[][2] = {{"</script", "<\\/script"},
                                            {"<!--", "<\\!--"},
                                            {"=\"https:", "=\"\\x68ttps:"},
                                            {"=\"http:", "=\"\\x68ttp:"}};
    size_t start = 0;
    for (size_t i = 0; i < size; i++) {
        if (script[i] != '<' && script[i] != '=') continue;
        for (size_t k = 0; k < sizeof change / sizeof *change; k++) {
            size_t n = strlen(change[k][0]);
            if (size - i < n || strncasecmp(script + i, change[k][0], n) != 0) continue;
            rg_str_add_n(out, script + start, i - start);
            rg_str_add(out, change[k][1]);
            start = i + n;
            i = start - 1;
            break;
        }
    }
    rg_str_add_n(out, script + start, size - start);
}

void report_html(rg_str *out, const rg_report *r, const char *plotly, size_t plotly_size) {
    bool charts = false;
    for (const report_block *b = r->first; b; b = b->next) charts = charts || b->kind == BLOCK_CHART;
    rg_str title = {0};
    report_inline(&title, r->title, FORM_PLAIN);
    rg_str_add(out, head);
    report_escape(out, title.data ? title.data : "", title.len, FORM_HTML);
    rg_str_free(&title);
    rg_str_printf(out, "</title>\n<style>\n%s</style>\n</head>\n<body><main>\n<h1>", report_style);
    inline_html(out, r->title);
    rg_str_add(out, "</h1>\n");
    contents(out, r);
    for (const report_block *b = r->first; b; b = b->next) block(out, b, plotly != NULL);
    report_html_claims(out, r);
    rg_str_add(out, "<footer>Written by Ridge " RG_VERSION ".</footer>\n</main>\n");
    if (charts && plotly) {
        rg_str_add(out, "<script>\n");
        embed(out, plotly, plotly_size);
        rg_str_add(out, "\n</script>\n");
    }
    rg_str_printf(out, "<script>\n%s</script>\n</body>\n</html>\n", report_script);
}
