/* Chart builders: figures that hold the numbers given, labels that cover nothing, refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/chart_labels.h"
#include "ridge/report.h"

static double at(const json_t *list, size_t i) {
    return json_number_value(json_array_get(list, i));
}

static json_t *parsed(rg_str *json) {
    json_t *figure = json_loadb(json->data, json->len, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(figure);
    rg_str_free(json);
    return figure;
}

static void test_scatter(void **state) {
    (void)state;
    static const char *const groups[] = {"chip"};
    const rg_chart_point points[] = {
        {.x = 100,
         .y = 0.01,
         .x_lo = NAN,
         .x_hi = NAN,
         .y_lo = 0.005,
         .y_hi = 0.02,
         .label = "b",
         .front = true},
        {.x = 10, .y = 0.001, .x_lo = 5, .x_hi = 20, .y_lo = NAN, .y_hi = NAN, .label = "a", .front = true},
        {.x = 50, .y = 0, .label = "at zero: not on a logarithmic axis"},
        {.x = NAN, .y = 1, .label = "nowhere"}};
    const rg_chart_scatter chart = {
        .x = {"x", true}, .y = {"y", true}, .n_points = 4, .point = points, .n_groups = 1, .group = groups};
    rg_str json = {0};
    assert_int_equal(rg_chart_scatter_json(&chart, &json, NULL), RG_OK);
    json_t *figure = parsed(&json), *data = json_object_get(figure, "data");
    assert_int_equal(json_array_size(data), 2);
    json_t *line = json_array_get(data, 0), *dots = json_array_get(data, 1);
    assert_true(at(json_object_get(line, "x"), 0) == 10 && at(json_object_get(line, "x"), 1) == 100);
    assert_int_equal(json_array_size(json_object_get(dots, "x")), 2);
    assert_true(at(json_object_get(dots, "y"), 0) == 0.01);
    json_t *bars = json_object_get(dots, "error_y");
    assert_true(at(json_object_get(bars, "array"), 0) == 0.01 &&
                at(json_object_get(bars, "arrayminus"), 0) == 0.005);
    assert_true(json_is_null(json_array_get(json_object_get(bars, "array"), 1)));
    /* every point and error bar lies inside the range, which is given in decades */
    json_t *x = json_object_get(json_object_get(figure, "layout"), "xaxis"),
           *range = json_object_get(x, "range");
    assert_true(at(range, 0) < log10(5) && at(range, 1) > 2);
    for (size_t i = 0; i < json_array_size(json_object_get(x, "tickvals")); i++)
        assert_true(at(json_object_get(x, "tickvals"), i) ==
                    strtod(json_string_value(json_array_get(json_object_get(x, "ticktext"), i)), NULL));
    json_decref(figure);
}

static void test_scatter_refused(void **state) {
    (void)state;
    static const char *const groups[] = {"chip"}, *const bad[] = {"\xff"};
    const rg_chart_point zero = {.x = 1, .y = 0}, other = {.x = 1, .y = 1, .group = 1},
                         good = {.x = 1, .y = 1};
    const rg_chart_line below = {.at = 0};
    const rg_chart_scatter base = {
        .y = {"y", true}, .n_points = 1, .point = &good, .n_groups = 1, .group = groups};
    rg_chart_scatter charts[4] = {base, base, base, base};
    charts[0].point = &zero;
    charts[1].point = &other;
    charts[2].n_lines = 1, charts[2].line = &below;
    charts[3].group = bad;
    rg_str json = {0};
    for (int i = 0; i < 4; i++)
        assert_int_equal(rg_chart_scatter_json(&charts[i], &json, NULL), RG_ERR_USAGE);
    assert_null(json.data);
    assert_int_equal(rg_chart_scatter_json(&base, &json, NULL), RG_OK); /* one point has a range, too */
    json_decref(parsed(&json));
}

/* Boxes as plotly draws them, from the position's name: the check knows nothing of the search. */
typedef struct rectangle {
    double left, top, right, bottom;
} rectangle;

static rectangle drawn(const chart_place *p) {
    double w = 6.2 * (double)strlen(p->label), x = p->x_px, y = p->y_px;
    rectangle r = {x - w / 2, y - 7, x + w / 2, y + 7};
    if (strstr(p->position, "right")) r.left = x + 6, r.right = x + 6 + w;
    if (strstr(p->position, "left")) r.left = x - 6 - w, r.right = x - 6;
    if (strstr(p->position, "top")) r.top = y - 20, r.bottom = y - 6;
    if (strstr(p->position, "bottom")) r.top = y + 6, r.bottom = y + 20;
    return r;
}

static bool meet(rectangle a, rectangle b) {
    return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

static void test_labels_cover_nothing(void **state) {
    (void)state;
    enum { N = 60 };
    chart_place place[N];
    size_t n_placed = 0;
    for (uint64_t seed = 0; seed < 50; seed++) {
        for (int i = 0; i < N; i++)
            place[i] = (chart_place){.x_px = CHART_WIDTH_PX * rg_random_uniform(seed, 0, (uint64_t)i),
                                     .y_px = CHART_HEIGHT_PX * rg_random_uniform(seed, 1, (uint64_t)i),
                                     .label = i % 3 ? "nvfp4 weights" : NULL};
        chart_place_labels(place, N);
        for (int i = 0; i < N; i++) {
            if (!place[i].label) assert_null(place[i].position);
            if (!place[i].position) continue;
            n_placed++;
            for (int k = 0; k < N; k++) {
                rectangle marker = {place[k].x_px - 4.5, place[k].y_px - 4.5, place[k].x_px + 4.5,
                                    place[k].y_px + 4.5};
                if (k != i) assert_false(meet(drawn(&place[i]), marker));
                if (k > i && place[k].position) assert_false(meet(drawn(&place[i]), drawn(&place[k])));
            }
        }
    }
    assert_true(n_placed > 50 * 20); /* half of the 40 labels of a crowded plot find room */
}

static void test_bars(void **state) {
    (void)state;
    static const char *const names[] = {"a", "b"}, *const groups[] = {"g"};
    const double value[] = {1, NAN}, lo[] = {0.5, NAN}, hi[] = {2, NAN};
    rg_chart_bars chart = {.y = {"y", false},
                           .n_categories = 2,
                           .category = names,
                           .n_groups = 1,
                           .group = groups,
                           .value = value,
                           .lo = lo,
                           .hi = hi};
    rg_str json = {0};
    assert_int_equal(rg_chart_bars_json(&chart, &json, NULL), RG_OK);
    json_t *figure = parsed(&json), *bar = json_array_get(json_object_get(figure, "data"), 0);
    assert_true(at(json_object_get(bar, "y"), 0) == 1);
    assert_true(json_is_null(json_array_get(json_object_get(bar, "y"), 1)));
    assert_true(at(json_object_get(json_object_get(bar, "error_y"), "array"), 0) == 1);
    assert_true(at(json_object_get(json_object_get(bar, "error_y"), "arrayminus"), 0) == 0.5);
    json_decref(figure);
    chart.stacked = chart.y.log = true;
    assert_int_equal(rg_chart_bars_json(&chart, &json, NULL), RG_ERR_USAGE);
    chart.stacked = false;
    const double zero[] = {0, 1};
    chart.value = zero;
    assert_int_equal(rg_chart_bars_json(&chart, &json, NULL), RG_ERR_USAGE);
    chart.n_categories = 0;
    assert_int_equal(rg_chart_bars_json(&chart, &json, NULL), RG_ERR_USAGE);
    assert_null(json.data);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_scatter), cmocka_unit_test(test_scatter_refused),
                                       cmocka_unit_test(test_labels_cover_nothing),
                                       cmocka_unit_test(test_bars)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
