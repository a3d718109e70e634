"""The optional backend `claude-agent-sdk`: Claude Code's own loop, with our tools, our permissions and our stage.

Rooms inside: `conversation.py` (what happens, in the caller's thread), `session.py` (the SDK on a thread of its own),
`options.py` (what it is told and which tools it has), `guard.py` (what is refused), `home.py` and `launcher.py` (where
the child process lives and how it ends), `replies.py` (what its messages mean). Nothing here imports the SDK before a
conversation begins. docs/claude-agent-sdk.md has the reasons.
"""

from mlexpert_nb.agent.sdk.conversation import SdkConversation
from mlexpert_nb.agent.sdk.options import Endpoint

__all__ = ["Endpoint", "SdkConversation"]
