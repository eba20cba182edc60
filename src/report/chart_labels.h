/* Where labels go in a plot, so that they cover neither points nor each other. */
#ifndef RIDGE_REPORT_CHART_LABELS_H
#define RIDGE_REPORT_CHART_LABELS_H

#include <stddef.h>

enum {
    CHART_WIDTH_PX = 820,
    CHART_HEIGHT_PX = 560
}; /* plot area of a report on a laptop; wider only helps */

typedef struct chart_place {
    double x_px, y_px;    /* in: the point, from the upper left corner of the plot area */
    const char *label;    /* in: NULL for a point without a label */
    const char *position; /* out: plotly's textposition; NULL: no room */
} chart_place;

/* Places the labels in the order given: earlier ones choose first. */
void chart_place_labels(chart_place *place, size_t n);

#endif
