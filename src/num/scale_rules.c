/* The rules of scales, compiled for the library. */
#include "num/scale_text.h"
