/* A generated folder, read back. */
#ifndef RIDGE_RTL_FOLDER_H
#define RIDGE_RTL_FOLDER_H

#include "ridge/rtl.h"

typedef struct rtl_folder {
    rg_rtl_unit unit;
    char top[96];
    char rtl_path[4096];
    rg_digest rtl_sha256; /* of the file as it is now */
    uint64_t vectors;
    bool exhaustive;
} rtl_folder;

/* Reads DIR/unit.json. With `check_stimulus` also fails with RG_ERR_MISMATCH, naming the file, when testbench
   or vectors are not the generated ones. The Verilog itself may have been edited: verify is there to judge
   it. */
rg_status rtl_folder_open(rtl_folder *out, const char *dir, bool check_stimulus, rg_error *err);

#endif
