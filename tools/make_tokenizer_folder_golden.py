#!/usr/bin/env python3
"""Writes token ids that transformers' AutoTokenizer gives for tiny folders with all kinds of files beside tokenizer.json.

usage: make_tokenizer_folder_golden.py tests/data/tiny_tokenizer/tokenizer.json > tests/data/tokenizer_folders/folders.json
Needs the packages of requirements_tokenizer_golden.txt. The output: `texts`, `tokenizers` (tokenizer.json by name) and `cases`:
the base tokenizer, a JSON merge patch of it, the other files of the folder, and what transformers makes of them: ids of each text
without and with special tokens, the ids of BOS and EOS, the number of tokens; or `error` where transformers fails.
"""
import contextlib
import copy
import io
import json
import logging
import pathlib
import sys
import tempfile
import warnings

import transformers
from transformers import AutoTokenizer

import tiny_sentencepiece

TEXTS = ["", "Hello world", " the and  there", "<|im_start|>user\nab<|im_end|>", "a<s>b</s> c<unk>", "x <A> y <B>z<C> ",
         "abc <Abc> <|endoftext|><pad>", "<mask><sep><cls>|<legacy>|<more>", "<bos>12 00<eos>\n<image>", "Abandon ab <ab>abab",
         "the cow<s> jumps", "  two  spaces\n", "é中😀 <|user|> ok"]


def token(content, **flags):
    return {"content": content, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True} | flags


def typed(content, **flags):
    flags = token(content, **flags)
    del flags["special"]
    return {"__type": "AddedToken"} | flags


PLAIN = {"tokenizer_class": "PreTrainedTokenizerFast"}


def cases():
    """(name, base tokenizer, patch of tokenizer.json, files)"""
    def config(**keys):
        return {"tokenizer_config.json": PLAIN | keys}

    decoder = {"300": token("<|im_start|>"), "301": token("<|im_end|>")}
    yield "nothing beside", "tiny", {}, config()
    yield "decoder adds", "tiny", {}, config(added_tokens_decoder=decoder)
    yield "decoder with other ids", "tiny", {}, config(added_tokens_decoder={"900": token("<B>"), "400": token("<A>")})
    yield "decoder flags lstrip rstrip", "tiny", {}, config(added_tokens_decoder={
        "300": token("<A>", lstrip=True), "301": token("<B>", rstrip=True), "302": token("<C>", lstrip=True, rstrip=True)})
    yield "decoder single word", "tiny", {}, config(added_tokens_decoder={
        "300": token("ab", single_word=True, special=False), "301": token("Abc", single_word=True)})
    yield "decoder changes flags", "tiny", {}, config(added_tokens_decoder={"299": token("<|user|>", lstrip=True, rstrip=True)})
    yield "decoder normalized", "tiny", {"normalizer": {"type": "Lowercase"}}, config(added_tokens_decoder={
        "300": token("<A>", normalized=True, special=False), "301": token("<B>")})
    yield "decoder not special but bos", "tiny", {}, config(bos_token="<A>", added_tokens_decoder={"300": token("<A>", special=False)})
    yield "decoder without flags", "tiny", {"normalizer": {"type": "Lowercase"}}, config(added_tokens_decoder={
        "300": {"content": "<A>"}, "301": {"content": "<B>", "special": True}})
    yield "additional texts", "tiny", {}, config(additional_special_tokens=["<|im_start|>", "<|im_end|>"])
    yield "additional with flags", "tiny", {}, config(additional_special_tokens=[typed("<A>", lstrip=True), "<B>"])
    yield "additional and decoder", "tiny", {}, config(additional_special_tokens=["<A>", "<B>"], added_tokens_decoder={"300": token("<B>")})
    yield "additional flags over decoder", "tiny", {}, config(
        additional_special_tokens=[typed("<A>", rstrip=True)], added_tokens_decoder={"300": token("<A>")})
    yield "all names", "tiny", {}, config(
        mask_token="<mask>", cls_token="<cls>", sep_token="<sep>", pad_token="<pad>", unk_token="<unk>", eos_token="<eos>",
        bos_token="<bos>", additional_special_tokens=["<A>"])
    yield "pad only", "tiny", {}, config(pad_token="<pad>")
    yield "eos only", "tiny", {}, config(eos_token="<eos>")
    yield "bos with flags", "tiny", {}, config(bos_token=typed("<bos>", rstrip=True), eos_token=typed("</s>", lstrip=True))
    yield "special in the vocabulary", "tiny", {}, config(bos_token="ab", eos_token="world")
    yield "nulls", "tiny", {}, config(bos_token=None, eos_token=None, pad_token=None, additional_special_tokens=None)
    yield "extra special tokens", "tiny", {}, config(extra_special_tokens={"image_token": "<image>"}, pad_token="<pad>")
    yield "image_token alone", "tiny", {}, config(image_token="<image>")
    yield "map adds", "tiny", {}, config() | {"special_tokens_map.json": {
        "bos_token": "<bos>", "eos_token": token("<eos>"), "additional_special_tokens": ["<A>", token("<B>", lstrip=True)]}}
    yield "map over config", "tiny", {}, config(bos_token="<s>", eos_token="</s>") | {
        "special_tokens_map.json": {"bos_token": "<|user|>", "eos_token": "<eos>"}}
    yield "map beside decoder", "tiny", {}, config(bos_token="<s>", added_tokens_decoder={}) | {
        "special_tokens_map.json": {"bos_token": "<|user|>", "additional_special_tokens": ["<A>"]}}
    yield "map joins additional", "tiny", {}, config(additional_special_tokens=["<B>", "<A>"]) | {
        "special_tokens_map.json": {"additional_special_tokens": ["<C>", "<A>"]}}
    yield "map with nulls", "tiny", {}, config(bos_token="<s>") | {"special_tokens_map.json": {"bos_token": None}}
    yield "legacy added", "tiny", {}, config() | {"added_tokens.json": {"<more>": 301, "<legacy>": 300}}
    yield "legacy added special", "tiny", {"normalizer": {"type": "Lowercase"}}, config(eos_token="<A>") | {
        "added_tokens.json": {"<B>": 301, "<A>": 300}}
    yield "legacy added with an id in use", "tiny", {}, config() | {"added_tokens.json": {"<legacy>": 299, "<more>": 300}}
    yield "legacy beside decoder", "tiny", {}, config(added_tokens_decoder={}) | {"added_tokens.json": {"<legacy>": 300}}
    yield "legacy and map", "tiny", {}, config() | {
        "added_tokens.json": {"<legacy>": 301, "<A>": 300}, "special_tokens_map.json": {"pad_token": "<pad>", "eos_token": "<A>"}}
    yield "split special", "tiny", {}, config(split_special_tokens=True, added_tokens_decoder={"300": token("<A>", special=False)})
    yield "prefix space", "tiny", {}, config(add_prefix_space=True)
    yield "prefix space null", "tiny", {"pre_tokenizer": {"add_prefix_space": True}}, config(add_prefix_space=None)
    yield "prefix space of the file undone", "tiny", {"pre_tokenizer": {"add_prefix_space": True}}, config()
    yield "prefix space in a sequence", "tiny", {"pre_tokenizer": {
        "type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, {
            "type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}],
        "add_prefix_space": None, "trim_offsets": None, "use_regex": None}}, config()
    yield "add_bos without effect", "tiny", {}, config(bos_token="<s>", add_bos_token=False, add_eos_token=True, eos_token="</s>")
    yield "no post-processor, add_bos without effect", "tiny", {"post_processor": None}, config(bos_token="<s>", add_bos_token=True)
    for name in ["LlamaTokenizer", "LlamaTokenizerFast", "GemmaTokenizer", "Qwen2Tokenizer", "GPT2Tokenizer", "GPTNeoXTokenizerFast"]:
        yield f"class {name}", "tiny", {}, {"tokenizer_config.json": {"tokenizer_class": name}}
        yield f"class {name}, both added", "tiny", {}, {"tokenizer_config.json": {
            "tokenizer_class": name, "add_bos_token": True, "add_eos_token": True, "bos_token": "<s>", "eos_token": "</s>"}}
        yield f"class {name}, nothing added", "tiny", {"pre_tokenizer": {"add_prefix_space": True}}, {"tokenizer_config.json": {
            "tokenizer_class": name, "add_bos_token": False, "unk_token": None, "bos_token": None, "eos_token": "</s>",
            "pad_token": None, "added_tokens_decoder": {"298": token("</s>", rstrip=True)}}}
    yield "class Qwen2, flags of the file", "tiny", {"added_tokens": [
        token("<|endoftext|>", lstrip=True) | {"id": 300}]}, {"tokenizer_config.json": {
            "tokenizer_class": "Qwen2Tokenizer", "added_tokens_decoder": {}}}
    yield "class Llama, add_bos null", "tiny", {}, {"tokenizer_config.json": {"tokenizer_class": "LlamaTokenizer", "add_bos_token": None}}
    yield "class Llama, bos null", "tiny", {}, {"tokenizer_config.json": {"tokenizer_class": "LlamaTokenizer", "bos_token": None}}
    yield "class GPT2 with a space", "tiny", {}, {"tokenizer_config.json": {"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": True}}
    for model_type in ["llama", "qwen2", "olmo2"]:
        yield f"no class, model {model_type}", "tiny", {}, {"config.json": {"model_type": model_type}}
        yield f"no class, model {model_type}, config without one", "tiny", {}, {
            "config.json": {"model_type": model_type}, "tokenizer_config.json": {"eos_token": "</s>", "bos_token": "<s>"}}
    yield "class in config.json", "tiny", {}, {"config.json": {"model_type": "llama", "tokenizer_class": "GPT2Tokenizer"}}
    yield "unknown class", "tiny", {}, {"tokenizer_config.json": {"tokenizer_class": "PoemTokenizer"}}
    llama = {"tokenizer_class": "LlamaTokenizer"}
    yield "pieces", "pieces", {}, {"tokenizer_config.json": llama}
    for legacy in [True, False]:
        for prefix in [True, False]:
            yield f"pieces, legacy {legacy}, space {prefix}", "pieces", {}, {
                "tokenizer_config.json": llama | {"legacy": legacy, "add_prefix_space": prefix}}
    yield "pieces, space null", "pieces", {}, {"tokenizer_config.json": llama | {"legacy": False, "add_prefix_space": None}}
    yield "pieces with added tokens", "pieces", {}, {"tokenizer_config.json": llama | {
        "pad_token": "<pad>", "added_tokens_decoder": {"463": token("<A>", lstrip=True), "462": token("<B>", normalized=True)}}}


def merged(value, patch):
    """JSON merge patch, RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    out = copy.deepcopy(value) if isinstance(value, dict) else {}
    for key, change in patch.items():
        if change is None:
            out.pop(key, None)
        else:
            out[key] = merged(out.get(key), change)
    return out


def pieces_tokenizer(model):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        (path / "tokenizer.model").write_bytes(model)
        (path / "tokenizer_config.json").write_text('{"tokenizer_class": "LlamaTokenizer"}')
        return json.loads(AutoTokenizer.from_pretrained(folder).backend_tokenizer.to_str())


def measured(tokenizer, patch, files, model):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        (path / "tokenizer.json").write_text(json.dumps(merged(tokenizer, patch)))
        if model:
            (path / "tokenizer.model").write_bytes(model)
        for name, content in files.items():
            (path / name).write_text(json.dumps(content))
        try:
            made = AutoTokenizer.from_pretrained(folder)
        except Exception as error:
            return {"error": type(error).__name__}
        return {"ids": [made.encode(text, add_special_tokens=False) for text in TEXTS],
                "with_special": [made.encode(text) for text in TEXTS],
                "bos": made.bos_token_id, "eos": made.eos_token_id, "size": len(made)}


def main():
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    assert transformers.__version__ == "4.48.2", transformers.__version__
    model = tiny_sentencepiece.train()
    bases = {"tiny": json.loads(pathlib.Path(sys.argv[1]).read_text()), "pieces": pieces_tokenizer(model)}
    out = []
    with contextlib.redirect_stdout(io.StringIO()):
        for name, base, patch, files in cases():
            given = json.loads(json.dumps(files))
            result = measured(bases[base], patch, files, model if base == "pieces" else None)
            out.append({"name": name, "tokenizer": base, "patch": patch, "files": given} | result)
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in out)
    dumped = {name: json.dumps(value, ensure_ascii=False) for name, value in bases.items()}
    print('{"texts": %s,\n"tokenizers": {"tiny": %s,\n"pieces": %s},\n"cases": [\n%s]}' % (
        json.dumps(TEXTS, ensure_ascii=False), dumped["tiny"], dumped["pieces"], lines))


main()
