"""How large a request is, without asking anybody."""

import json

from mlexpert_nb.agent.llm import Document, Request
from mlexpert_nb.agent.wire import to_block, to_tool

_CHARS_PER_TOKEN = 3.0  # code and JSON; prose has more, so that this errs on the large side
_BYTES_PER_PAGE_TOKEN = 12.0  # base64 characters of a PDF for one token, roughly


def estimate_tokens(request: Request) -> int:
    """Estimate what a request would be read as, rather too much than too little."""
    chars = float(len(request.system)) + sum(len(json.dumps(to_tool(tool))) for tool in request.tools)
    for message in request.messages:
        for block in message.content:
            if isinstance(block, Document):
                chars += len(block.data) * _CHARS_PER_TOKEN / _BYTES_PER_PAGE_TOKEN
            else:
                chars += len(json.dumps(to_block(block), ensure_ascii=False))
    return int(chars / _CHARS_PER_TOKEN) + 1
