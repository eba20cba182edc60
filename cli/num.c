/* ridge num: the table of commands, and the list of formats. */
#include "num_commands.h"
#include "num_diff.h"
#include "num_dot.h"
#include "num_explain.h"

static rg_status list(cli_context *context, rg_error *err) {
    rg_str out = {0};
    const char *name, *summary;
    for (size_t i = 0; (name = rg_format_preset(i, &summary)); i++) {
        rg_quant q;
        RG_TRY(rg_quant_parse(name, &q, err));
        const double bits = rg_format_bits(&q.format, cli_num_row(context, &q.format));
        if (!context->json) {
            rg_str_printf(&out, "%-16s %2d %8.3f  %s\n", name, q.format.elem.bits, bits, summary);
            continue;
        }
        rg_str_add(&out, i ? ",\n  {\"name\": " : "\n  {\"name\": ");
        cli_print_json_string(&out, name);
        rg_str_printf(&out, ", \"bits\": %d, \"bits_per_element\": ", q.format.elem.bits);
        cli_print_json_number(&out, bits);
        rg_str_add(&out, ", \"summary\": ");
        cli_print_json_string(&out, summary);
        rg_str_add(&out, "}");
    }
    const char *frame = context->json ? "{\"formats\": [%s\n]}\n" : "format         bits   stored\n%s";
    printf(frame, out.data ? out.data : "");
    rg_str_free(&out);
    return RG_OK;
}

static const cli_option no_options[] = {{0}};

#define STREAMS                                                                                              \
    "stdin and stdout are raw, little endian; all of stdin is one tensor. NaN, infinities and values "       \
    "beyond\n"                                                                                               \
    "the largest finite one are counted on stderr. --json shapes errors only: stdout carries the data."

#define CODES                                                                                                \
    "A code takes 1 byte up to 8 bits, 2 up to 16, else 4; it is not packed. Scales are written in their\n"  \
    "own width: the fp32 tensor scale where the format has one, then those of all rows or blocks, then\n"    \
    "zero points, one byte each, where the format has them."

#define DOT_LINES                                                                                            \
    "DATAPATH is a preset (ridge num datapaths), "                                                           \
    "dot(a=FORMAT,b=FORMAT,n=N,align=F,acc=FORMAT@ROUNDING,...)\n"                                           \
    "or FILE.yaml:NAME: docs/datapaths.md. A line on stdin is\n"                                             \
    "  a-codes b-codes c\n"                                                                                  \
    "in hexadecimal: codes joined, the most significant digit first, 1 digit up to 4 bits, 2 up to 8, 4 "    \
    "up\n"                                                                                                   \
    "to 16, else 8 (tf32: fp32 bits); c is fp32, for fp16 output rounded to it first; more fields are\n"     \
    "ignored. Block scales follow their codes after a colon (without them: 1). One result a line on "        \
    "stdout:\n"                                                                                              \
    "8 digits, an fp16 result as the fp32 pattern of its value. --json shapes errors only."

#define DIFF                                                                                                 \
    "A and B: each a profile (--list) or a format and cast such as e4m3fn@rne(sat=ocp). Plain formats are "  \
    "compared\n"                                                                                             \
    "over all 2^32 fp32 inputs, exactly; formats with scales on seeded blocks built to separate rules, or "  \
    "on a\n"                                                                                                 \
    "heavy-tailed tensor. The cause is read off the differences. Profiles are data: docs/profiles.md."

#define EXPLAIN                                                                                              \
    "The product is y = a b^T, a [rows][k] and b [cols][k]: activations and weights. Between the exact "     \
    "and\n"                                                                                                  \
    "the real result one thing changes at a time: elements are rounded (range without end, scale the real\n" \
    "number amax / largest), the stored scale takes its place, elements beyond the largest are clipped, "    \
    "the\n"                                                                                                  \
    "sum is added up by the datapath. rms: of what changes, relative to the output. share: what it adds "    \
    "to\n"                                                                                                   \
    "the squared error; own and cross are its two parts: docs/explain.md."

const cli_command cli_num_commands[] = {
    {.noun = "num",
     .verb = "list",
     .arguments = "",
     .summary = "List the number formats that have a name",
     .details =
         "Bits of a code, and bits stored per element with the scales of a long row.\n"
         "Formats with arguments, like int4(sym,group=128,scale=bf16), are made from these: docs/formats.md.",
     .example = "ridge num list\n"
                "  format         bits   stored\n"
                "  ...\n"
                "  nvfp4             4    4.500  e2m1 in blocks of 16, e4m3fn block scale, fp32 tensor scale",
     .options = no_options,
     .run = list},
    {.noun = "num",
     .verb = "show",
     .arguments = "FORMAT",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "Show a format: layout, range, special codes, scaling, values",
     .details =
         "All values are listed for formats of up to 8 bits (--json: in the order of the codes, NaN and\n"
         "infinities as strings).",
     .example = "ridge num show e2m1\n"
                "  e2m1\n"
                "    bits           4\n"
                "    layout         s ee m   sign 1, exponent 2, mantissa 1 bits, bias 1\n"
                "    max            6\n"
                "    ...",
     .options = cli_num_show_options,
     .run = cli_num_show},
    {.noun = "num",
     .verb = "qdq",
     .arguments = "FORMAT",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "Quantize and dequantize fp32 values",
     .details = STREAMS,
     .example =
         "printf '\\0\\0\\100\\77' | ridge num qdq e2m1 | od -An -tf4      (0.75 lies between 0.5 and 1)\n"
         "  1",
     .options = cli_num_qdq_options,
     .run = cli_num_qdq},
    {.noun = "num",
     .verb = "encode",
     .arguments = "FORMAT",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "Quantize fp32 values to codes and scales",
     .details = STREAMS "\n" CODES,
     .example = "printf '\\0\\0\\100\\77' | ridge num encode mxfp4 --scales scales | od -An -tx1\n"
                "  07\n"
                "(0.75 is 6 times 2^-3: scales holds 7c, 124 - 127 = -3)",
     .options = cli_num_code_options,
     .run = cli_num_encode},
    {.noun = "num",
     .verb = "decode",
     .arguments = "FORMAT",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "Turn codes and scales into fp32 values",
     .details = STREAMS "\n" CODES,
     .example = "printf '\\7' | ridge num decode e2m1 | od -An -tf4\n"
                "  6",
     .options = cli_num_code_options,
     .run = cli_num_decode},
    {.noun = "num",
     .verb = "datapaths",
     .arguments = "[DATAPATH]",
     .max_arguments = 1,
     .summary = "List the datapaths of matrix units, or show one as a graph",
     .details = "What the statements mean, and how to add a unit: docs/datapaths.md.",
     .example = "ridge num datapaths 'dot(a=e4m3fn,b=e4m3fn,n=32,align=13,acc=e8m13@rz)'\n"
                "  ...\n"
                "  t0 = multiply(a, b)\n"
                "  t1 = align(t0, c, bits=13)\n"
                "  t2 = sum(t1)\n"
                "  t3 = round(t2, e8m13@rz)",
     .options = no_options,
     .run = cli_num_datapaths},
    {.noun = "num",
     .verb = "dot",
     .arguments = "DATAPATH",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "Compute dot products as a matrix unit does, bit for bit",
     .details = DOT_LINES,
     .example = "echo 3c003c00 3c004000 3f800000 | ridge num dot h100-fp16      (1 * 1 + 1 * 2 + 1)\n"
                "  40800000",
     .options = cli_num_dot_options,
     .run = cli_num_dot},
    {.noun = "num",
     .verb = "distinguish",
     .arguments = "DATAPATH DATAPATH",
     .min_arguments = 2,
     .max_arguments = 2,
     .summary = "Find the smallest dot product on which two datapaths differ",
     .details = "Prints a line as those of ridge num dot (a-codes b-codes c), then both results: a test for "
                "whoever has the\n"
                "hardware. That none is found proves nothing, but thousands were tried.",
     .example = "ridge num distinguish a100-fp16 h100-fp16\n"
                "  0420 2020 bf800000 bf7ffff8 bf7ffff7",
     .options = cli_num_dot_options,
     .run = cli_num_distinguish},
    {.noun = "num",
     .verb = "identify",
     .arguments = "",
     .summary = "Find out which datapath is behind a program or a chip",
     .details = "Sends lines as those of ridge num dot, chosen so that they split the datapaths still "
                "possible, and reads\n"
                "one result a line (8 hexadecimal digits, fp32). Prints what fits: more than one where "
                "thousands of inputs\n"
                "do not tell them apart. Searched: every dot(...) without acc16 and sum, and the presets.",
     .example = "ridge num identify --run 'ridge num dot h100-e4m3-wgmma'\n"
                "  70 vectors\n"
                "  h100-e4m3-wgmma\n"
                "  ...",
     .options = cli_num_identify_options,
     .run = cli_num_identify},
    {.noun = "num",
     .verb = "diff",
     .arguments = "A B",
     .max_arguments = 2,
     .summary = "Count and explain the differences of two behaviours",
     .details = DIFF,
     .example = "ridge num diff ml_dtypes cuda13 --format e2m1\n"
                "  A ml_dtypes: e2m1@rne(nan=negated)\n"
                "  B cuda13: e2m1\n"
                "    differences   16777214 of 4294967296 inputs, 0.3906 %\n"
                "    cause         NaN: -0 or 0 against 6 (16777214)\n"
                "    ...",
     .options = cli_num_diff_options,
     .run = cli_num_diff},
    {.noun = "num",
     .verb = "certify",
     .arguments = "FORMAT",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "Print the CRC-32 over the codes of all 2^32 fp32 patterns",
     .details =
         "FORMAT is one without scales, with any cast: e5m2@ru(sat=none). All fp32 patterns are cast in\n"
         "ascending order; the sum is zlib's CRC-32 over the codes as ridge num encode writes them. Two\n"
         "implementations with one certificate agree on every input.",
     .example = "ridge num certify e4m3fn\n"
                "  b6df9b17  e4m3fn",
     .options = cli_num_certify_options,
     .run = cli_num_certify},
    {.noun = "num",
     .verb = "explain",
     .arguments = "",
     .summary = "Split the error of a matrix product into rounding, scales, clipping and accumulation",
     .details = EXPLAIN,
     .example = "ridge num explain --a mxfp4 --b mxfp8\n"
                "  ...\n"
                "  a              18.78 dB, 584 of 65536 elements clipped\n"
                "  ...\n"
                "  part              rms      dB      own    cross    share\n"
                "  a.rounding       10 %   19.96   70.7 %    0.0 %   70.7 %\n"
                "  b.rounding      2.4 %   32.40    4.0 %    0.3 %    4.3 %\n"
                "  a.scale        14.8 %   16.60  153.4 % -140.6 %   12.8 %\n"
                "  b.scale        3.56 %   28.96    8.9 %   -8.6 %    0.3 %\n"
                "  a.clipping     5.07 %   25.89   18.0 %   -7.4 %   10.6 %\n"
                "  ...",
     .options = cli_num_explain_options,
     .run = cli_num_explain},
    {0}};
