/* The progress line. */
#ifndef RIDGE_CLI_PROGRESS_H
#define RIDGE_CLI_PROGRESS_H

#include "ridge/base.h"

/* Shown on a terminal or when asked for; in every case Ctrl-C makes the next step return false. */
rg_progress cli_progress(bool asked);

#endif
