/* Reports: escaping in all three forms, claims behind numbers, what is refused, same bytes twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <unistd.h>

#include "unit/report/sample.h"

static const char *const two[] = {"name", "value, <s>"};

static void count(const char *text, const char *word, int expected) {
    int n = 0;
    for (const char *p = text; (p = strstr(p, word)); p += strlen(word)) n++;
    if (n != expected) fail_msg("%d times \"%s\", expected %d", n, word, expected);
}

static void fill(rg_report *r) {
    rg_report_heading(r, 2, "first", "A <heading> & \"more\"");
    rg_report_text(
        r, "**strong** `a<b|c` [there](#first) <script>alert(1)</script>\n\nsecond * [x](http://y) ** `open");
    rg_report_callout(r, "decision", "Decide <now>", "this\nway");
    rg_report_table(r, "numbers", "A | caption", 2, two);
    rg_report_cell_text(r, "a|b,\"c\"\nd");
    rg_report_cell_number(r, 0.1, "0.1 ± 0.01 d", "0123456789abcdef", NULL);
    rg_report_cell_text(r, "**plain** `code`");
    rg_report_cell_number(r, NAN, "none", "c2", "derived");
    add_claim(r, "0123456789abcdef", "measured");
    add_claim(r, "c2", "derived");
    add_claim(r, "c2", "derived"); /* once is enough */
}

static void test_html(void **state) {
    (void)state;
    rg_report *r = new_report("Title <x> **b**");
    fill(r);
    write_good(r, NULL);
    char *html = sample_read("report.html");
    count(html, "<title>Title &lt;x&gt; b</title>", 1);
    count(html, "<script>alert", 0);
    count(html, "&lt;script&gt;alert(1)&lt;/script&gt;", 1);
    count(html, "<code>a&lt;b|c</code>", 1);
    count(html, "<a href=\"#first\">there</a>", 1);
    count(html, "href=\"http", 0); /* only links into the page */
    count(html, "<th scope=\"col\"", 2);
    count(html, "href=\"#claim-0123456789abcdef\"", 1);
    count(html, "id=\"claim-0123456789abcdef\"", 1);
    count(html, "id=\"claim-c2\"", 1);
    count(html, "title=\"measured\">M</abbr>",
          1); /* classes differ in the column: a mark beside each number */
    count(html, "title=\"derived\">D</abbr>", 1);
    count(html, "data-v=\"0.1\"", 1);
    count(html, "data-v=", 1);
    count(html, "src=", 0);
    count(html, "default-src 'none'", 1);
    free(html);
}

static void test_markdown(void **state) {
    (void)state;
    rg_report *r = new_report("T");
    fill(r);
    write_good(r, NULL);
    char *md = sample_read("report.md"), *table = sample_read("numbers.md");
    count(md, "| a\\|b,\"c\" d | [0.1 ± 0.01 d](#claim-0123456789abcdef) |\n", 1);
    count(md, "\\<script>", 1);
    count(md, "> **Decide \\<now>**\n>\n> this\n> way\n", 1);
    count(md, "<a id=\"claim-c2\"></a>", 1);
    count(md, "\\[x\\](http://y)", 1);
    count(table, "(report.md#claim-c2)", 1);
    free(md);
    free(table);
}

/* A reader of RFC 4180 written from its grammar: fields of one record. */
static const char *record(const char *p, char field[8][128], int *n) {
    for (*n = 0;; p++) {
        char *to = field[(*n)++];
        if (*p == '"') {
            for (p++; *p != '"' || p[1] == '"'; p++) {
                assert_true(*p != 0);
                p += *p == '"';
                *to++ = *p;
            }
            p++;
        } else {
            while (*p && !strchr(",\"\r\n", *p)) *to++ = *p++;
        }
        *to = 0;
        if (*p != ',') break;
    }
    assert_true(p[0] == '\r' && p[1] == '\n');
    return p + 2;
}

static void test_csv(void **state) {
    (void)state;
    rg_report *r = new_report("T");
    fill(r);
    write_good(r, NULL);
    char *csv = sample_read("numbers.csv"), field[8][128];
    int n;
    const char *p = record(csv, field, &n);
    assert_int_equal(n, 3);
    assert_string_equal(field[1], "value, <s>");
    assert_string_equal(field[2], "claims");
    p = record(p, field, &n);
    assert_string_equal(field[0], "a|b,\"c\"\nd");
    assert_string_equal(field[1], "0.1");
    assert_string_equal(field[2], "0123456789abcdef");
    p = record(p, field, &n);
    assert_string_equal(field[0], "plain code");
    assert_string_equal(field[1], "");
    assert_string_equal(field[2], "c2");
    assert_int_equal(*p, 0);
    free(csv);
}

static void refuse(rg_report *r, const char *word) {
    rg_error e = {0};
    assert_int_not_equal(rg_report_write(r, sample_dir, NULL, &e), RG_OK);
    if (!strstr(e.message, word)) fail_msg("\"%s\" does not say \"%s\"", e.message, word);
    assert_true(access(sample_path("report.html"), F_OK) != 0); /* nothing that looks finished */
    assert_true(access(sample_path("numbers.csv"), F_OK) != 0);
    rg_report_free(r);
}

static rg_report *with_number(const char *id, bool listed) {
    rg_report *r = new_report("T");
    rg_report_table(r, "numbers", "caption", 2, two);
    rg_report_cell_text(r, "x");
    rg_report_cell_number(r, 1, "1", id, "derived");
    if (listed) add_claim(r, "c1", "derived");
    return r;
}

static void test_refused(void **state) {
    (void)state;
    refuse(with_number(NULL, true), "number without a claim");
    refuse(with_number("", true), "number without a claim");
    refuse(with_number("c1", false), "no claim c1");
    refuse(with_number("c2", true), "no claim c2");
    rg_report *r = with_number("c1", true);
    rg_report_cell_text(r, "half a row");
    refuse(r, "3 cells");
    r = new_report("T");
    rg_report_cell_text(r, "x");
    refuse(r, "outside a table");
    r = with_number("c1", true);
    rg_report_text(r, "between");
    rg_report_cell_text(r, "x");
    refuse(r, "outside a table");
    static const char *const names[] = {"", "../up", "a b", "Report", "report", "decision", "-x"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        r = new_report("T");
        rg_report_table(r, names[i], "caption", 2, two);
        refuse(r, "name");
    }
    r = with_number("c1", true);
    rg_report_table(r, "numbers", "again", 2, two);
    refuse(r, "same name");
    r = new_report("T");
    rg_report_heading(r, 2, "a\"b", "x");
    refuse(r, "anchor");
    r = new_report("T");
    rg_report_heading(r, 1, "a", "x");
    refuse(r, "level");
    r = new_report("T");
    rg_report_callout(r, "shout", "x", "y");
    refuse(r, "callout");
    static const char *const figures[] = {
        "", "{}", "[]", "{\"data\": 1}", "{\"data\": [}", "{\"data\":[],\"data\":[]}"};
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        r = new_report("T");
        rg_report_chart(r, "c", "caption", "alt", figures[i]);
        refuse(r, "chart");
    }
    r = new_report("T");
    rg_report_claim(r, "c1", "{\"class\": 1}");
    refuse(r, "not a claim");
    r = new_report("T");
    rg_report_claim(r, "\"><script>", "{\"class\":\"derived\",\"subject\":\"s\"}");
    refuse(r, "not a claim");
}

static void test_charts_without_plotly(void **state) {
    (void)state;
    rg_report *r = new_report("T");
    add_charts(r);
    write_good(r, sample_path("absent.js"));
    char *html = sample_read("report.html");
    count(html, "class=\"nochart\"", 2);
    count(html, "plotly 7.1.0", 2);
    count(html, "A scatter chart.", 1);
    free(html);
}

/* What stands in plotly.js or in a figure cannot end the script element that holds it. */
static void test_embedding(void **state) {
    (void)state;
    static const char script[] = "var a='</script><!--',b='</SCRIPT>',c=1<2;x.href=\"https://example.org\";";
    assert_int_equal(rg_file_write(sample_path("plotly.js"), script, strlen(script), NULL), RG_OK);
    rg_report *r = new_report("T");
    rg_report_chart(r, "c", "caption", "alt",
                    "{\"data\":[{\"name\":\"</script><script>alert(1)\"}],\"layout\":{}}");
    write_good(r, sample_path("plotly.js"));
    char *html = sample_read("report.html");
    count(html, "var a='<\\/script><\\!--',b='<\\/script>',c=1<2;x.href=\"\\x68ttps://example.org\";", 1);
    count(html, "\\u003c/script>\\u003cscript>alert(1)", 1);
    count(html, "</script>", 3);
    free(html);
}

static void test_same_bytes(void **state) {
    (void)state;
    char *first[3];
    static const char *const names[] = {"report.html", "report.md", "numbers.csv"};
    for (int round = 0; round < 2; round++) {
        rg_report *r = new_report("T");
        fill(r);
        add_charts(r);
        write_good(r, NULL);
        for (int i = 0; i < 3; i++) {
            char *text = sample_read(names[i]);
            if (round) {
                assert_string_equal(text, first[i]);
                free(first[i]);
                free(text);
            } else
                first[i] = text;
        }
    }
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, sample_make, sample_remove)
    const struct CMUnitTest tests[] = {
        T(test_html),      T(test_markdown),  T(test_csv), T(test_refused), T(test_charts_without_plotly),
        T(test_embedding), T(test_same_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
