#!/usr/bin/env python3
"""Writes tiny GGUF files with sentencepiece vocabularies, and token ids of many texts by sentencepiece and by transformers.

usage: make_sentencepiece_golden.py OUT_FOLDER [SEED_FOLDER]
Needs the packages of requirements_tokenizer_golden.txt. For each vocabulary NAME: NAME.gguf (metadata only, by llama.cpp's conventions:
pieces with scores and types) and NAME.json: texts and their ids, those of the fast tokenizer that transformers makes of the same
sentencepiece model. sentencepiece's own ids of texts without special tokens must be the same, else the script stops. SEED_FOLDER (tests/fuzz/corpus/fuzz_gguf_tokenizer) gets small vocabularies of both kinds.
"""
import json
import logging
import pathlib
import random
import sys
import tempfile

import gguf
import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as pb
from transformers import AutoTokenizer

import tiny_sentencepiece

WRITTEN = ["", " ", "  ", "   ", "a", " a", "a ", "  a  b   c    d", "Hello world", " Hello world", "Hello  world\n", "\n", "\n\n\n", "\t",
           "\ttab\tand\ttab", "a\r\nb", "the cow", "the cow jumps over the moon.", "It's the end", "12345 67 8", "3.14 and 50%", "naïve café straße",
           "привет мир", "漢字かな", "😀 emoji 👩‍👩‍👧", "é", "\u2581", "a\u2581b", "\u2581\u2581", "<0x41>", "<0x0A> <0x", "<s>", "</s>", "<unk>", "a<s>b</s>c",
           "<s>Hello</s> there", "<s> Hello </s> there", "[INST] Hello [/INST]", "<sym>", "a<sym>b", "x <sym> y<sym><sym>", "##", "a##b ## c", "aaaa",
           "aaaaaaaaaaa", " aaaaa aaaaaaa", "----", "------- -----", "=====", "========", "........", "bbbbbb bbb", "\u00a0nbsp\u00a0", "zero\u200bwidth",
           "tab\t\tx", "mixed 漢 and é and 😀 in one", "\x00nul", "\x7f", "line one\nline two\n\nline four", "   indented\n        more", "UPPER lower CamelCase",
           "for (int i = 0; i < n; ++i) { sum += values[i]; }", "she sells sea shells", "\ufeffbom", "e\u0301 combined", "ﬁ ligature", "Ⅷ", "½", "x" * 200,
           "the " * 50, " " * 40, "\n" * 9, "\t" * 9, "0" * 33, "a b" * 30]


def texts():
    random.seed(17)
    parts = ["the", " ", "  ", "cow", "a", "aa", "aaa", "-", "--", "====", ".", "\n", "\t", "é", "漢", "😀", "1", "23", "<sym>", "##", "Hello", "привет", "\u2581",
             "sea", "shells", "is", "'s", "</s>", "x"]
    made = ["".join(random.choice(parts) for _ in range(random.randrange(1, 12))) for _ in range(240)]
    return list(dict.fromkeys(WRITTEN + made))


def write_gguf(path, proto, prefix):
    kinds = {1: gguf.TokenType.NORMAL, 2: gguf.TokenType.UNKNOWN, 3: gguf.TokenType.CONTROL, 4: gguf.TokenType.USER_DEFINED,
             5: gguf.TokenType.UNUSED, 6: gguf.TokenType.BYTE}
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    # llama.cpp's converter writes spaces in user-defined pieces as spaces.
    writer.add_token_list([p.piece.replace("\u2581", " ") if p.type == 4 else p.piece for p in proto.pieces])
    writer.add_token_scores([p.score for p in proto.pieces])
    writer.add_token_types([kinds[p.type] for p in proto.pieces])
    for name in ["bos", "eos", "unk"]:
        getattr(writer, f"add_{name}_token_id")(getattr(proto.trainer_spec, name + "_id"))
    if not prefix:
        writer.add_add_space_prefix(False)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def write_seeds(folder):
    folder.mkdir(parents=True, exist_ok=True)
    bytes_ = [f"<0x{b:02X}>" for b in (0x0A, 0x31)]
    kinds = {"llama": (["<unk>", "<s>", "</s>", *bytes_, "\u2581", "a", "b", "ab", "\u2581ab"], [2, 3, 3, 6, 6, 1, 1, 1, 1, 1]),
             "gpt2": (["a", "b", "\u0120", "ab", "\u0120ab", "<s>", "</s>", "1", "2"], [1, 1, 1, 1, 1, 3, 4, 1, 1])}
    for model, (tokens, types) in kinds.items():
        writer = gguf.GGUFWriter(folder / f"{model}.gguf", "llama")
        writer.add_tokenizer_model(model)
        writer.add_tokenizer_pre("default")
        writer.add_token_list(tokens)
        writer.add_token_types(types)
        if model == "llama":
            writer.add_token_scores([-float(i) for i in range(len(tokens))])
        else:
            writer.add_token_merges(["a b", "\u0120 ab"])
        writer.add_bos_token_id(1)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.close()


def special(text, processor):
    """Whether a text holds a piece that sentencepiece does not look for, or after which transformers puts a space."""
    found = [processor.id_to_piece(i) for i in range(processor.get_piece_size()) if processor.is_control(i) or processor.is_unknown(i)]
    return any(piece in text for piece in [*found, "<sym>", "##"])


def write(folder, name, model, prefix):
    proto = pb.ModelProto.FromString(model)
    proto.normalizer_spec.add_dummy_prefix = prefix
    model = proto.SerializeToString()
    write_gguf(folder / f"{name}.gguf", proto, prefix)
    with tempfile.TemporaryDirectory() as place:
        (pathlib.Path(place) / "tokenizer.model").write_bytes(model)
        config = {"tokenizer_class": "LlamaTokenizer"} | ({} if prefix else {"add_prefix_space": False})
        (pathlib.Path(place) / "tokenizer_config.json").write_text(json.dumps(config))
        fast = AutoTokenizer.from_pretrained(place)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    given = texts()
    ids = [fast.encode(text, add_special_tokens=False) for text in given]
    for text, own in zip(given, ids):
        if not special(text, processor) and processor.encode(text) != own:
            sys.exit(f"{name}: sentencepiece has other ids of {text!r}: {processor.encode(text)}, transformers {own}")
    lines = ",\n".join(f"[{json.dumps(text, ensure_ascii=False)}, {json.dumps(own)}]" for text, own in zip(given, ids))
    (folder / f"{name}.json").write_text(f"[\n{lines}]\n")


def main():
    logging.disable(logging.WARNING)
    folder = pathlib.Path(sys.argv[1])
    write(folder, "pieces", tiny_sentencepiece.train(), True)
    write(folder, "pieces_symbols", tiny_sentencepiece.train(["<sym>", "##"]), True)
    write(folder, "pieces_no_prefix", tiny_sentencepiece.train(), False)
    if len(sys.argv) > 2:
        write_seeds(pathlib.Path(sys.argv[2]))


main()
