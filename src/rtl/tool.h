/* Running the tools of the flow: scratch folders, errors worth reading, versions. */
#ifndef RIDGE_RTL_TOOL_H
#define RIDGE_RTL_TOOL_H

#include "ridge/base.h"

/* A fresh folder below $TMPDIR (or /tmp); remove takes everything in it along. */
rg_status rtl_scratch_make(char path[4096], rg_error *err);
void rtl_scratch_remove(const char *path);

/* rg_run that names `what` was at work and quotes the line of the output that tells the error, which for
   these tools is rarely the last one. `output` may be NULL. */
rg_status rtl_tool(const char *const argv[], const char *dir, double limit_s, const char *what,
                   rg_str *output, rg_error *err);

/* The word that follows `before` in what `argv` prints, as a version: "0.23". Fails when the tool is missing.
 */
rg_status rtl_tool_version(const char *program, const char *flag, const char *before, char *version,
                           size_t size, rg_error *err);

/* "FOLDER/NAME" into path; false when it does not fit. */
bool rtl_path(char path[4096], const char *folder, const char *name);

#endif
