"""Token ids of lm-evaluation-harness' prompts (tests/data/prompts) by a published tokenizer.

usage: make_token_goldens.py TOKENIZER_JSON NAME > tests/data/prompts/tokens_NAME.jsonl

Encodes as the harness does: spaces at the end of a context go to the continuation, and a continuation's ids are what
context and continuation together have beyond the context's. Special tokens (BOS) are those that the tokenizer adds.
Needs the tokenizers package.
"""
import json
import sys
from pathlib import Path

from tokenizers import Tokenizer

PROMPTS = Path(__file__).parent.parent / "tests/data/prompts"
# Lines of the prompts without a chat template that the goldens of other tokenizers have too.
LISTED = PROMPTS / "tokens_smollm2.jsonl"


def split(encode, context, continuation):
    spaces = len(context) - len(context.rstrip())
    if spaces:
        context, continuation = context[:-spaces], context[-spaces:] + continuation
    ids = encode(context)
    return ids, encode(context + continuation)[len(ids):]


def golden(encode, prompt):
    if "choices" not in prompt:
        return {"context_ids": encode(prompt["context"])}
    contexts = prompt["contexts"] if prompt.get("context") is None else [prompt["context"]] * len(prompt["choices"])
    pairs = [split(encode, context, choice) for context, choice in zip(contexts, prompt["choices"])]
    continuations = {"continuation_ids": [ids for _, ids in pairs]}
    if prompt.get("context") is None:
        return {"contexts_ids": [ids for ids, _ in pairs]} | continuations
    return {"context_ids": pairs[0][0]} | continuations


def main():
    tokenizer = Tokenizer.from_file(sys.argv[1])
    files = {}
    for line in LISTED.read_text().splitlines():
        listed = json.loads(line)
        name = listed["file"]
        if name.startswith("chat_"):
            continue
        if name not in files:
            files[name] = [json.loads(prompt) for prompt in (PROMPTS / name).read_text().splitlines()]
        place = {key: listed[key] for key in ("file", "line", "task", "doc_index")} | {"tokenizer": sys.argv[2]}
        ids = golden(lambda text: tokenizer.encode(text).ids, files[name][listed["line"]])
        print(json.dumps(place | ids))


main()
