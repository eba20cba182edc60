#!/usr/bin/env python3
# Writes tokenizer_vectors.jsonl: small tokenizers of many kinds and what the Python package tokenizers makes of texts.
# Needs the package (0.23.3 wrote the file): tokenizer_vectors.py > tokenizer_vectors.jsonl
import json
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers as N, pre_tokenizers as P, processors, trainers

CORPUS = ["It's a little test, isn't it? They're 12 or 123 tests; we'll say: 'Naïve café' 2024 times. "
          "the there then other mother  another    one\n\nthe end of the other ende\u0301 ab abab 日本 日本語"] * 3
TEXTS = ["It's the OTHER mother, isn't it?  I'LL say 12345 café cafe\u0301 ende\u0301e\n\n  ab  abab\t日本語 <think>x </s>",
         "a\u0301\u0301 \u0130\u00df\ufb01 \u0661\u0662\u0663 \u00bd \U0001f44d\U0001f3fd \u3000\u00a0x\u2581y q <0x41> [CLS] \x00\x07\u200b_$5+1 " + " " * 20 + "the" * 9]
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")
BYTES = P.ByteLevel(add_prefix_space=False, use_regex=False)
GPT2 = P.ByteLevel(add_prefix_space=False)
SIGN = "\u2581"


def emit(name, t):
    t.encode_special_tokens = True
    ids = [t.encode(text, add_special_tokens=False).ids for text in TEXTS]
    row = {"name": name, "texts": TEXTS, "ids": ids, "around": t.encode("").ids, "tokenizer": json.loads(t.to_str())}
    print(json.dumps(row, ensure_ascii=False, separators=(",", ":")))


def bpe(name, pre, normal=None, size=330, added=(), post=None, null_pre=False, **options):
    t = Tokenizer(models.BPE(**options))
    t.pre_tokenizer = pre
    if normal:
        t.normalizer = normal
    special = ["<s>", "</s>"] + ([options["unk_token"]] if "unk_token" in options else [])
    if options.get("byte_fallback"):
        special += [f"<0x{b:02X}>" for b in range(256)]
    alphabet = [] if "unk_token" in options else P.ByteLevel.alphabet()
    t.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=size, min_frequency=1, special_tokens=special,
                                                      initial_alphabet=alphabet, show_progress=False))
    t.add_tokens(list(added))
    if post:
        t.post_processor = post
    if null_pre:
        t = Tokenizer.from_str(json.dumps({**json.loads(t.to_str()), "pre_tokenizer": None}))
    emit(name, t)


def split(pattern, behavior="isolated", invert=False, last=BYTES):
    return P.Sequence([P.Split(pattern, behavior, invert), last])


BOS = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
bpe("gpt2", GPT2)
bpe("prefix", P.ByteLevel(add_prefix_space=True), post=processors.RobertaProcessing(("</s>", 1), ("<s>", 0)))
bpe("llama3", split(Regex(LLAMA3)), post=processors.Sequence([processors.ByteLevel(), BOS]), ignore_merges=True)
bpe("qwen", split(Regex(LLAMA3.replace("{1,3}", ""))), N.NFC(),
    added=[AddedToken("<think>", normalized=False), AddedToken("  "), AddedToken("    "), AddedToken("e\u0301e")])
bpe("smollm", P.Sequence([P.Digits(individual_digits=True), GPT2]))
bpe("punctuation", P.Sequence([P.Punctuation("contiguous"), P.Digits(False), P.ByteLevel(add_prefix_space=True)]))
bpe("removed", split(Regex(r"\w{2}| "), "removed", True))
bpe("previous", split(Regex(r"[\s,e]"), "merged_with_previous"))
bpe("next", split("e", "merged_with_next"))
bpe("contiguous", split(Regex(r"\p{L}|_"), "contiguous"))
bpe("thousands", split(Regex(r"(?=(\d{3})+(?!\d))")))
CHARACTERS = {"unk_token": "<unk>", "size": 130}
bpe("metaspace", P.Metaspace(), fuse_unk=True, **CHARACTERS)
bpe("metaspace-first", P.Metaspace(prepend_scheme="first"), added=["ab"], **CHARACTERS)
bpe("llama2", P.Metaspace(prepend_scheme="never"), N.Sequence([N.Prepend(SIGN), N.Replace(" ", SIGN)]), size=400,
    unk_token="<unk>", fuse_unk=True, byte_fallback=True, post=BOS, null_pre=True)
bpe("nfkd", P.Sequence([P.WhitespaceSplit(), P.CharDelimiterSplit("q")]),
    N.Sequence([N.NFKD(), N.StripAccents(), N.Lowercase(), N.Strip(), N.Replace(Regex(r"\d+"), "0")]), **CHARACTERS)
bpe("whitespace", P.Whitespace(), N.NFKC(), **CHARACTERS)
for lower in (True, False):
    t = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=20))
    t.normalizer, t.pre_tokenizer = N.BertNormalizer(lowercase=lower), P.BertPreTokenizer()
    t.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=130, min_frequency=1, show_progress=False,
                                                            special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]"]))
    t.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    emit("bert-lower" if lower else "bert", t)
