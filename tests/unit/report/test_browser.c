/* The report in headless Chromium: charts are drawn, the console is silent, a link to a claim opens it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <unistd.h>

#include "unit/report/sample.h"

static char plotly[4096];

/* RIDGE_PLOTLY, else where scripts/fetch puts it. */
static bool find_plotly(void) {
    const char *given = getenv("RIDGE_PLOTLY"), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (given && *given)
        snprintf(plotly, sizeof plotly, "%s", given);
    else if (cache && *cache)
        snprintf(plotly, sizeof plotly, "%s/ridge/plotly.min.js", cache);
    else
        snprintf(plotly, sizeof plotly, "%s/.cache/ridge/plotly.min.js", home ? home : "");
    return access(plotly, R_OK) == 0;
}

/* Page after its scripts have run, and what Chromium wrote to its log. */
static void browse(const char *anchor, rg_str *page, rg_str *log) {
    char command[1024];
    snprintf(command, sizeof command,
             "chromium --headless --no-sandbox --disable-gpu --user-data-dir=%s/profile "
             "--enable-logging=stderr --v=0 "
             "--virtual-time-budget=8000 --dump-dom 'file://%s/report.html%s' 2>%s/log",
             sample_dir, sample_dir, anchor, sample_dir);
    const char *const argv[] = {"sh", "-c", command, NULL};
    rg_error e = {0};
    if (rg_run_stdout(argv, NULL, 120, page, &e) != RG_OK) fail_msg("%s", e.message);
    char *text = sample_read("log");
    rg_str_add(log, text);
    free(text);
}

static void test_charts_are_drawn(void **state) {
    (void)state;
    rg_report *r = new_report("T");
    static const char *const columns[] = {"name", "value"};
    add_charts(r);
    rg_report_table(r, "numbers", "caption", 2, columns);
    rg_report_cell_text(r, "x");
    rg_report_cell_number(r, 1, "1", "0123456789abcdef", NULL);
    add_claim(r, "0123456789abcdef", "derived");
    write_good(r, plotly);
    rg_str page = {0}, log = {0};
    browse("#claim-0123456789abcdef", &page, &log);
    int n = 0;
    for (const char *p = page.data; (p = strstr(p, "<svg class=\"main-svg\"")); p++) n++;
    if (n < 2) fail_msg("%d charts in the page, expected 2:\n%s", n, log.data);
    assert_non_null(strstr(page.data, "one &lt;chip&gt;")); /* the legend */
    assert_non_null(
        strstr(page.data, "id=\"claim-0123456789abcdef\" open=\"\"")); /* followed from the number */
    assert_null(strstr(page.data, "data-title=\"Share"));              /* nothing that uploads */
    if (strstr(log.data, ":CONSOLE")) fail_msg("the console is not silent:\n%s", log.data);
    rg_str_free(&page);
    rg_str_free(&log);
}

int main(void) {
    if (!rg_have_program("chromium") || !find_plotly()) {
        puts("skipped: chromium or plotly.min.js absent");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_charts_are_drawn, sample_make, sample_remove)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
