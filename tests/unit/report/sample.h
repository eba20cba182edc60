/* A small report with every kind of block, written to a temporary folder. */
#ifndef RIDGE_TEST_SAMPLE_H
#define RIDGE_TEST_SAMPLE_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ridge/report.h"

static char sample_dir[64];

static int sample_make(void **state) {
    (void)state;
    snprintf(sample_dir, sizeof sample_dir, "/tmp/ridge-report.XXXXXX");
    return mkdtemp(sample_dir) ? 0 : -1;
}

static int sample_remove(void **state) {
    (void)state;
    const char *const argv[] = {"rm", "-rf", sample_dir, NULL};
    return rg_run(argv, NULL, 30, NULL, NULL) == RG_OK ? 0 : -1;
}

static inline const char *sample_path(const char *name) {
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", sample_dir, name);
    return path;
}

static inline char *sample_read(const char *name) {
    char *data = NULL;
    size_t size;
    rg_error e = {0};
    if (rg_file_read(sample_path(name), 1 << 26, &data, &size, &e) != RG_OK)
        fail_msg("%s: %s", name, e.message);
    return data;
}

static inline rg_report *new_report(const char *title) {
    rg_report *r = NULL;
    assert_int_equal(rg_report_new(&r, title, NULL), RG_OK);
    return r;
}

static inline void add_claim(rg_report *r, const char *id, const char *class) {
    char json[512];
    snprintf(json, sizeof json,
             "{\"class\":\"%s\",\"command\":\"ridge roof explain m c "
             "--json\",\"hi\":2,\"id\":\"%s\",\"inputs\":[{\"name\":"
             "\"chip\",\"path\":\"chips/"
             "c.yaml\",\"sha256\":\"ab\"}],\"interval\":\"range\",\"lo\":1,\"result\":\"/x\","
             "\"subject\":\"subject of %s\",\"unit\":\"s\",\"value\":0.1,\"versions\":[\"ridge=0\"]}",
             class, id, id);
    rg_report_claim(r, id, json);
}

static inline void write_good(rg_report *r, const char *plotly) {
    rg_error e = {0};
    if (rg_report_write(r, sample_dir, plotly, &e) != RG_OK) fail_msg("%s: %s", e.where, e.message);
    rg_report_free(r);
}

/* The charts of the builders, as a study would draw them. */
static inline void add_charts(rg_report *r) {
    static const char *const groups[] = {"one <chip>", "another"};
    static const char *const names[] = {"bf16", "int8", "nvfp4"};
    rg_chart_point points[6] = {{0}};
    double bars[6];
    for (int i = 0; i < 6; i++) {
        double y = pow(10, -1 - i % 3);
        points[i] = (rg_chart_point){.x = 1000 * (i + 1),
                                     .y = y,
                                     .x_lo = NAN,
                                     .x_hi = NAN,
                                     .y_lo = 0.8 * y,
                                     .y_hi = 1.2 * y,
                                     .label = names[i % 3],
                                     .group = (size_t)i / 3,
                                     .front = i != 4};
        bars[i] = i + 1;
    }
    const rg_chart_line gate = {.at = 0.05, .label = "gate"};
    const rg_chart_scatter scatter = {.x = {"speed, token/s", true},
                                      .y = {"loss, nat", true},
                                      .n_points = 6,
                                      .point = points,
                                      .n_groups = 2,
                                      .group = groups,
                                      .n_lines = 1,
                                      .line = &gate};
    const rg_chart_bars stacked = {.y = {"time, ms", false},
                                   .stacked = true,
                                   .n_categories = 3,
                                   .category = names,
                                   .n_groups = 2,
                                   .group = groups,
                                   .value = bars};
    rg_str json = {0};
    assert_int_equal(rg_chart_scatter_json(&scatter, &json, NULL), RG_OK);
    rg_report_chart(r, "scatter", "Caption.", "A scatter chart.", json.data);
    rg_str_free(&json);
    assert_int_equal(rg_chart_bars_json(&stacked, &json, NULL), RG_OK);
    rg_report_chart(r, "bars", "Caption.", "A bar chart.", json.data);
    rg_str_free(&json);
}

#endif
