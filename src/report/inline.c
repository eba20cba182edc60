/* Plain text with three marks, `code`, **strong** and [label](#anchor), in the form of the target. */
#include "report/report.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *html_entity(char c) {
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

/* In Markdown only what would be taken for a mark: `_` inside a word is none. */
static bool markdown_mark(const char *text, size_t i, size_t n, inline_form form) {
    char c = text[i];
    if (c == '|') return form == FORM_MARKDOWN_CELL;
    if (c == '_')
        return i == 0 || i + 1 == n || !isalnum((unsigned char)text[i - 1]) ||
               !isalnum((unsigned char)text[i + 1]);
    return c != 0 && strchr("\\`*[]<~", c);
}

void report_escape(rg_str *out, const char *text, size_t n, inline_form form) {
    for (size_t i = 0; i < n; i++) {
        const char *entity = form == FORM_HTML ? html_entity(text[i]) : NULL;
        bool line_end = text[i] == '\n' || text[i] == '\r';
        if (entity)
            rg_str_add(out, entity);
        else if (line_end && form == FORM_MARKDOWN_CELL)
            rg_str_add(out, " ");
        else {
            if ((form == FORM_MARKDOWN || form == FORM_MARKDOWN_CELL) && markdown_mark(text, i, n, form))
                rg_str_add(out, "\\");
            rg_str_add_n(out, text + i, 1);
        }
    }
}

static void code(rg_str *out, const char *text, size_t n, inline_form form) {
    if (form == FORM_HTML) rg_str_add(out, "<code>");
    if (form == FORM_MARKDOWN || form == FORM_MARKDOWN_CELL) rg_str_add(out, "`");
    for (size_t i = 0; i < n; i++) {
        if (form == FORM_HTML)
            report_escape(out, text + i, 1, form);
        else {
            /* a table ends a cell at a bar even inside code */
            if (form == FORM_MARKDOWN_CELL && text[i] == '|') rg_str_add(out, "\\");
            rg_str_add_n(out, text + i, 1);
        }
    }
    if (form == FORM_HTML) rg_str_add(out, "</code>");
    if (form == FORM_MARKDOWN || form == FORM_MARKDOWN_CELL) rg_str_add(out, "`");
}

/* Length of "[label](#anchor)" at p, 0 when there is none. */
static size_t link_length(const char *p, size_t *label, size_t *anchor) {
    const char *close = *p == '[' ? strchr(p, ']') : NULL;
    if (!close || close[1] != '(' || close[2] != '#') return 0;
    *label = (size_t)(close - p - 1);
    *anchor = strspn(close + 3, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
    return *anchor && close[3 + *anchor] == ')' ? *label + *anchor + 5 : 0;
}

static void add_link(rg_str *out, const char *p, size_t label, size_t anchor, inline_form form) {
    const char *target = p + label + 4;
    if (form == FORM_HTML) rg_str_printf(out, "<a href=\"#%.*s\">", (int)anchor, target);
    if (form == FORM_MARKDOWN || form == FORM_MARKDOWN_CELL) rg_str_add(out, "[");
    report_escape(out, p + 1, label, form);
    if (form == FORM_HTML) rg_str_add(out, "</a>");
    if (form == FORM_MARKDOWN || form == FORM_MARKDOWN_CELL)
        rg_str_printf(out, "](#%.*s)", (int)anchor, target);
}

void report_inline(rg_str *out, const char *text, inline_form form) {
    static const char *const strong[][2] = {[FORM_HTML] = {"<strong>", "</strong>"},
                                            [FORM_MARKDOWN] = {"**", "**"},
                                            [FORM_MARKDOWN_CELL] = {"**", "**"},
                                            [FORM_PLAIN] = {"", ""}};
    bool open = false;
    const char *plain = text, *p = text; /* plain..p is not yet written */
    while (*p) {
        size_t label, anchor, n;
        const char *end = *p == '`' ? strchr(p + 1, '`') : NULL;
        bool star = p[0] == '*' && p[1] == '*' && (open || strstr(p + 2, "**"));
        n = link_length(p, &label, &anchor);
        if (!end && !star && !n) {
            p++;
            continue;
        }
        report_escape(out, plain, (size_t)(p - plain), form);
        if (end) {
            code(out, p + 1, (size_t)(end - p - 1), form);
            p = end + 1;
        } else if (star) {
            rg_str_add(out, strong[form][open]);
            open = !open;
            p += 2;
        } else {
            add_link(out, p, label, anchor, form);
            p += n;
        }
        plain = p;
    }
    report_escape(out, plain, (size_t)(p - plain), form);
    if (open) rg_str_add(out, strong[form][1]); /* its end stood inside code: close it all the same */
}

void report_number(rg_str *out, double value) {
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    rg_str_add(out, text);
}
