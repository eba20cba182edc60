/* Writes all files of a report. report.html comes last: when it is there, all is. */
#include "report/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PLOTLY_LIMIT_BYTES = 64 << 20 };

/* Writes `text` to dir/NAME.ending and empties it. */
static rg_status put(const char *dir, const char *name, const char *ending, rg_str *text, rg_error *err) {
    rg_str path = {0};
    rg_str_printf(&path, "%s/%s.%s", dir, name, ending);
    rg_status status = text->failed || path.failed
                           ? rg_fail(err, RG_ERR_MEMORY, name, NULL, "out of memory")
                           : rg_file_write(path.data, text->data ? text->data : "", text->len, err);
    rg_str_free(&path);
    rg_str_free(text);
    return status;
}

static rg_status put_table(const report_block *t, const char *dir, rg_error *err) {
    rg_str text = {0};
    report_csv(&text, t);
    RG_TRY(put(dir, t->name, "csv", &text, err));
    report_markdown_table(&text, t, "report.md");
    return put(dir, t->name, "md", &text, err);
}

static rg_status html_of(rg_report *r, const char *plotly_path, rg_str *out, rg_error *err) {
    char *plotly = NULL;
    size_t plotly_size = 0;
    if (plotly_path && access(plotly_path, F_OK) == 0)
        RG_TRY(rg_file_read(plotly_path, PLOTLY_LIMIT_BYTES, &plotly, &plotly_size, err));
    report_html(out, r, plotly, plotly_size);
    free(plotly);
    return RG_OK;
}

rg_status rg_report_write(rg_report *r, const char *dir, const char *plotly_path, rg_error *err) {
    RG_TRY(report_check(r, err));
    RG_TRY(rg_dir_make(dir, err));
    for (const report_block *b = r->first; b; b = b->next)
        if (b->kind == BLOCK_TABLE) RG_TRY(put_table(b, dir, err));
    rg_str text = {0};
    report_markdown(&text, r);
    RG_TRY(put(dir, "report", "md", &text, err));
    RG_TRY(html_of(r, plotly_path, &text, err));
    return put(dir, "report", "html", &text, err);
}

rg_status rg_report_write_html(rg_report *r, const char *path, const char *plotly_path, rg_error *err) {
    rg_str text = {0};
    RG_TRY(report_check(r, err));
    RG_TRY(html_of(r, plotly_path, &text, err));
    const rg_status status = text.failed ? rg_fail(err, RG_ERR_MEMORY, path, NULL, "out of memory")
                                         : rg_file_write(path, text.data, text.len, err);
    rg_str_free(&text);
    return status;
}

const char *rg_report_plotly(char *buf, size_t size) {
    const char *home = getenv("HOME"), *cache = getenv("XDG_CACHE_HOME");
    if (cache && *cache)
        snprintf(buf, size, "%s/ridge/plotly.min.js", cache);
    else
        snprintf(buf, size, "%s/.cache/ridge/plotly.min.js", home ? home : "");
    return buf;
}
