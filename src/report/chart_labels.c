/* Greedy placement over eight positions around each point, as cartographers do it: the position that covers
   least, in a fixed order of preference; a label that would cover another label or a point everywhere is left
   out. */
#include "report/chart_labels.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

typedef struct box {
    double x0, y0, x1, y1;
} box;

static const struct {
    const char *name;
    int dx, dy; /* side of the point on which the label stands */
} positions[] = {{"top right", 1, -1},   {"middle right", 1, 0},  {"bottom right", 1, 1},
                 {"top center", 0, -1},  {"bottom center", 0, 1}, {"top left", -1, -1},
                 {"middle left", -1, 0}, {"bottom left", -1, 1}};
enum { N_POSITIONS = sizeof positions / sizeof *positions };

static const double char_px = 6.2, line_px = 14, marker_px = 6; /* font of 11 px, markers of 9 px */

static box label_box(const chart_place *p, int position) {
    size_t n = 0;
    for (const char *c = p->label; *c; c++) n += ((unsigned char)*c & 0xC0) != 0x80;
    double w = (double)n * char_px, x = p->x_px, y = p->y_px;
    int dx = positions[position].dx, dy = positions[position].dy;
    double left = dx > 0 ? x + marker_px : dx < 0 ? x - marker_px - w : x - w / 2;
    double top = dy > 0 ? y + marker_px : dy < 0 ? y - marker_px - line_px : y - line_px / 2;
    return (box){left, top, left + w, top + line_px};
}

static bool overlap(const box *a, const box *b) {
    return a->x0 < b->x1 && b->x0 < a->x1 && a->y0 < b->y1 && b->y0 < a->y1;
}

static bool is_free(const box *b, const chart_place *place, size_t n, size_t own, const box *taken,
                    size_t n_taken) {
    if (b->x0 < 0 || b->y0 < 0 || b->x1 > CHART_WIDTH_PX || b->y1 > CHART_HEIGHT_PX) return false;
    for (size_t i = 0; i < n_taken; i++)
        if (overlap(b, &taken[i])) return false;
    for (size_t i = 0; i < n; i++) {
        const box marker = {place[i].x_px - marker_px + 1, place[i].y_px - marker_px + 1,
                            place[i].x_px + marker_px - 1, place[i].y_px + marker_px - 1};
        if (i != own && overlap(b, &marker)) return false;
    }
    return true;
}

void chart_place_labels(chart_place *place, size_t n) {
    box *taken =
        calloc(n + 1, sizeof *taken); /* without memory: no labels, the pointer still names the points */
    size_t n_taken = 0;
    for (size_t i = 0; i < n; i++) {
        place[i].position = NULL;
        if (!place[i].label || !taken) continue;
        for (int k = 0; k < N_POSITIONS && !place[i].position; k++) {
            box b = label_box(&place[i], k);
            if (!is_free(&b, place, n, i, taken, n_taken)) continue;
            place[i].position = positions[k].name;
            taken[n_taken++] = b;
        }
    }
    free(taken);
}
