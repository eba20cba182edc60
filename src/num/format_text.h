/* Formats as text. */
#ifndef RIDGE_NUM_FORMAT_TEXT_H
#define RIDGE_NUM_FORMAT_TEXT_H

#include "num/args.h"

/* Text without a cast. A name that stands for another text (mxfp4) is looked up. */
rg_status num_format_parse(const char *text, rg_format *out, rg_error *err);

#endif
