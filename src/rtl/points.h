/* What the recipes reached for one unit and library: DIR/syn/KEY/, whole or not there. */
#ifndef RIDGE_RTL_POINTS_H
#define RIDGE_RTL_POINTS_H

#include "ridge/rtl.h"
#include "rtl/folder.h"
#include "rtl/liberty.h"

typedef struct rtl_points {
    char dir[4096]; /* DIR/syn/KEY */
    size_t n;
    rg_rtl_point point[RG_RTL_MAX_RECIPES];
} rtl_points;

typedef struct rtl_points_request {
    const char *dir;
    const rtl_folder *folder;
    const char *liberty_path;
    const char *liberty_text; /* unpacked */
    size_t liberty_size;
    rg_digest liberty_sha256;
    const rtl_liberty *liberty;
    const char *tools;
    double limit_s;
} rtl_points_request;

/* Reads the points back when they are there, else synthesises them. */
rg_status rtl_points_get(const rtl_points_request *request, rtl_points *out, rg_error *err);

#endif
