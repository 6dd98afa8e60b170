"""Arguments that endpoint models of other systems take, and what says the same here."""

from __future__ import annotations

from collections.abc import Mapping

FOREIGN_ARGUMENTS: Mapping[str, str] = {
    "auth_token": "say api_key",
    "azure_openai": "say client=sdk and api_version=...",
    "enable_thinking_kwarg": (
        'say extra_body={"chat_template_kwargs": {"enable_thinking": true}}'
    ),
    "eos_string": "name the texts that end an answer with --gen-kwargs until=...",
    "is_qwen3_vl": "say message_format=qwen3_vl",
    "max_images": "all images of a document are sent; leave it out",
    "think_end_token": "say --reasoning-tags",
    "truncate": "what is too long is cut to max_length; leave it out",
    "trust_remote_code": "no tokenizer runs code of its own; leave it out",
    "use_fast_tokenizer": "every tokenizer is a fast one; leave it out",
    "work_dir": "images of tools go to the model and into no file; leave it out",
}
"""For each of them what to do, as a clause that ends a message."""
