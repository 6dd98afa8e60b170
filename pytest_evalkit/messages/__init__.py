"""What is said to a model: messages, their parts, and each wire form of them."""

from __future__ import annotations

from pytest_evalkit.messages.frame_choice import FrameChoice
from pytest_evalkit.messages.frames import Frame, VideoFrames
from pytest_evalkit.messages.hf_form import media_of, to_hf_messages
from pytest_evalkit.messages.images import rgb_image
from pytest_evalkit.messages.interleaving import interleaved
from pytest_evalkit.messages.kinds import media_part
from pytest_evalkit.messages.media import AudioSource, ImageSource, VideoSource
from pytest_evalkit.messages.message import (
    AudioPart,
    ImagePart,
    MediaPart,
    Message,
    Part,
    Role,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    VideoPart,
    text_of,
    with_system,
)
from pytest_evalkit.messages.openai_form import (
    to_openai_messages,
    to_qwen3_vl_openai_messages,
)
from pytest_evalkit.messages.record import message_dicts, messages_from, messages_hash
from pytest_evalkit.messages.sound import DecodedAudio, samples
from pytest_evalkit.messages.video import DecodedVideo, decode_video, frames_note

__all__ = [
    "AudioPart",
    "AudioSource",
    "DecodedAudio",
    "DecodedVideo",
    "Frame",
    "FrameChoice",
    "ImagePart",
    "ImageSource",
    "MediaPart",
    "Message",
    "Part",
    "Role",
    "TextPart",
    "ToolCallPart",
    "ToolResultPart",
    "VideoFrames",
    "VideoPart",
    "VideoSource",
    "decode_video",
    "frames_note",
    "interleaved",
    "media_of",
    "media_part",
    "message_dicts",
    "messages_from",
    "messages_hash",
    "rgb_image",
    "samples",
    "text_of",
    "to_hf_messages",
    "to_openai_messages",
    "to_qwen3_vl_openai_messages",
    "with_system",
]
