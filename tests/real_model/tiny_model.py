"""A model with random weights, so small that it answers at once: it says nonsense, but with real probabilities.

It is run by an interpreter of its own, which has the packages `gguf` and `numpy`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

TOOL_CALL = "<tool_call>\n"
"""One token of its vocabulary: a client that biases the choice towards it (`logit_bias`) makes it call a tool."""
MERGES = (("t", "h"), ("th", "e"), ("Ġ", "the"), ("i", "n"), ("a", "n"), ("Ġ", "a"), ("e", "r"), ("o", "u"), ("Ã", "©"))
"""The few pairs of tokens that are one token, as GPT-2's vocabulary writes bytes: Ġ is a blank, Ã© the bytes of é."""
TOOL_CALL_ID = 256 + len(MERGES)
END_ID = TOOL_CALL_ID + 2

_WIDTH, _HIDDEN, _HEADS, _LAYERS = 64, 128, 4, 2
_TEMPLATE = """\
{%- if tools %}
{{- '<|im_start|>system\\nTools:\\n' }}
{%- for tool in tools %}
{{- tool | tojson }}
{{- '\\n' }}
{%- endfor %}
{{- 'Call one as <tool_call>\\n{"name": NAME, "arguments": ARGUMENTS}\\n</tool_call><|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
{{- '<|im_start|>' + message.role + '\\n' }}
{%- if message.content %}
{{- message.content }}
{%- endif %}
{%- for call in message.tool_calls or [] %}
{{- '\\n<tool_call>\\n{"name": "' + call.function.name + '", "arguments": ' }}
{{- (call.function.arguments | tojson) + '}\\n</tool_call>' }}
{%- endfor %}
{{- '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""


def write(path: str, seed: int = 7) -> None:
    """Write it to a file, as GGUF; the same bytes for the same seed."""
    gguf: Any = import_module("gguf")
    model = gguf.GGUFWriter(path, "llama")
    _describe(model, gguf)
    _weigh(model, seed)
    model.write_header_to_file()
    model.write_kv_data_to_file()
    model.write_tensors_to_file()
    model.close()


def _describe(model: Any, gguf: Any) -> None:
    words = [*_letters(), *(left + right for left, right in MERGES), TOOL_CALL, "<|im_start|>", "<|im_end|>"]
    kinds = gguf.TokenType
    model.add_name("random")
    model.add_context_length(2048)
    model.add_embedding_length(_WIDTH)
    model.add_block_count(_LAYERS)
    model.add_feed_forward_length(_HIDDEN)
    model.add_head_count(_HEADS)
    model.add_head_count_kv(_HEADS)
    model.add_layer_norm_rms_eps(1e-5)
    model.add_rope_dimension_count(_WIDTH // _HEADS)
    model.add_vocab_size(len(words))
    model.add_tokenizer_model("gpt2")
    model.add_tokenizer_pre("gpt-2")
    model.add_token_list(words)
    model.add_token_types([*[kinds.NORMAL] * TOOL_CALL_ID, kinds.USER_DEFINED, kinds.CONTROL, kinds.CONTROL])
    model.add_token_merges([f"{left} {right}" for left, right in MERGES])
    model.add_bos_token_id(END_ID - 1)
    model.add_eos_token_id(END_ID)
    model.add_add_bos_token(False)
    model.add_chat_template(_TEMPLATE)


def _weigh(model: Any, seed: int) -> None:
    numpy: Any = import_module("numpy")
    random = numpy.random.default_rng(seed)

    def draw(name: str, rows: int, columns: int, scale: float) -> None:
        model.add_tensor(f"{name}.weight", (random.standard_normal((rows, columns)) * scale).astype(numpy.float32))

    def ones(name: str) -> None:
        model.add_tensor(f"{name}.weight", numpy.ones(_WIDTH, numpy.float32))

    draw("token_embd", END_ID + 1, _WIDTH, 1.0)
    ones("output_norm")
    draw("output", END_ID + 1, _WIDTH, 0.35)
    for layer in range(_LAYERS):
        ones(f"blk.{layer}.attn_norm")
        ones(f"blk.{layer}.ffn_norm")
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            draw(f"blk.{layer}.{name}", _WIDTH, _WIDTH, _WIDTH**-0.5)
        draw(f"blk.{layer}.ffn_gate", _HIDDEN, _WIDTH, _WIDTH**-0.5)
        draw(f"blk.{layer}.ffn_up", _HIDDEN, _WIDTH, _WIDTH**-0.5)
        draw(f"blk.{layer}.ffn_down", _WIDTH, _HIDDEN, _HIDDEN**-0.5)


def _letters() -> list[str]:
    """How GPT-2's vocabulary writes the 256 bytes: those that print as themselves, the rest from U+0100 on."""
    printing = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = iter(range(256, 512))
    return [chr(byte if byte in printing else next(rest)) for byte in range(256)]
