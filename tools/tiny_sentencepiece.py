"""A sentencepiece BPE model of a few hundred pieces, with byte pieces, as Llama's is made. Used by the scripts beside it."""
import io

import sentencepiece

SENTENCES = """the cow jumps over the moon and the cat sits on the mat
Hello world, hello there! What is this? It's the end of the line.
numbers 1 2 3 10 100 1000 2024 3.14 and 50% of them
for (int i = 0; i < n; ++i) { sum += values[i]; }
the quick brown fox jumps over the lazy dog again and again
naïve café über straße niño señor Ünïcödé
ааа ббб ввв привет мир
it was the best of times, it was the worst of times
aaaa aaaaaaa bbbb ---- ------ ==== ....
she sells sea shells on the sea shore; the shells she sells are sea shells""".split("\n")


def train(symbols=()):
    """The serialized model. `symbols` are user-defined pieces."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES * 20), model_writer=model, model_type="bpe", vocab_size=460 + len(symbols),
        byte_fallback=True, character_coverage=0.98, split_digits=True, normalization_rule_name="identity",
        remove_extra_whitespaces=False, allow_whitespace_only_pieces=True, user_defined_symbols=list(symbols),
        num_threads=1, minloglevel=2)
    return model.getvalue()
