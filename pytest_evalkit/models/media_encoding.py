"""Media as they are sent to a chat endpoint; slow, and meant for a thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from pytest_evalkit.messages import (
    AudioPart,
    ImagePart,
    MediaPart,
    VideoFrames,
    VideoPart,
    VideoSource,
)
from pytest_evalkit.messages.frame_choice import FrameChoice
from pytest_evalkit.messages.media import AudioSource, base64_text, told_of
from pytest_evalkit.messages.openai_form import (
    AUDIO_FORMATS,
    EncodedAudio,
    EncodedFrame,
    EncodedFrames,
    EncodedImage,
    EncodedMedium,
    EncodedVideo,
    url_of,
)
from pytest_evalkit.messages.sound import require_samples, wav_from
from pytest_evalkit.messages.truncation import require_whole
from pytest_evalkit.messages.video import decoded_frames, frames_note
from pytest_evalkit.models.encoding_pool import Made
from pytest_evalkit.models.image_encoding import (
    ImageRule,
    SentImage,
    encode_image,
    encode_pixels,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaRule:
    """What media may be like when they are sent.

    Attributes:
        image: What images and frames may be like.
        frames: Which frames of a video are sent.
        video_decoder: What decodes them, of ``messages.video.DECODERS``.
        pass_video_url: Whether a video is sent whole, or as its address.
    """

    image: ImageRule
    frames: FrameChoice
    video_decoder: str
    pass_video_url: bool


class SentMedium(NamedTuple):
    """A medium that is ready to be sent.

    Attributes:
        medium: What is sent.
        notes: What was changed in it, in words for the record.
    """

    medium: EncodedMedium
    notes: tuple[str, ...]


def key_of(part: MediaPart) -> tuple[object, ...]:
    """Name what is in a part, without holding on to it.

    Raises:
        DatasetError: It cannot be read.
    """
    span = (part.start_s, part.end_s) if isinstance(part, VideoPart) else ()
    return (type(part.source).__name__, part.source.sha256, *span)


def encode_medium(part: MediaPart, rule: MediaRule) -> Made[SentMedium]:
    """Bring a medium into the form in which it is sent.

    Raises:
        DatasetError: It cannot be read or decoded, or has no form to be sent in.
    """
    if isinstance(part.source, VideoFrames):
        return _encoded(part, rule)
    with told_of(part.source):
        return _encoded(part, rule)


def _encoded(part: MediaPart, rule: MediaRule) -> Made[SentMedium]:
    match part:
        case ImagePart(source):
            if source.url is not None:
                return _made(EncodedImage(source.url), (), len(source.url))
            sent = encode_image(source, rule.image)
            return _made(EncodedImage(sent.url), _notes([sent]), len(sent.url))
        case AudioPart(source):
            audio = _audio(source)
            return _made(audio, (), len(audio.base64))
        case VideoPart(source):
            if isinstance(source, VideoFrames):
                images = [
                    encode_image(frame.image, rule.image) for frame in source.frames
                ]
                return _frames([frame.time_s for frame in source.frames], images)
            if rule.pass_video_url:
                return _whole_video(source)
            return _sampled(source, part, rule)


def _audio(source: AudioSource) -> EncodedAudio:
    kind = AUDIO_FORMATS.get(source.mime)
    if kind is not None:
        require_samples(source)
        return EncodedAudio(base64_text(source.content), kind)
    return EncodedAudio(base64_text(wav_from(source)), "wav")


def _whole_video(source: VideoSource) -> Made[SentMedium]:
    path = source.path
    if source.url is None:
        require_whole(source)
    url = url_of(source) if path is None else path.absolute().as_uri()
    return _made(EncodedVideo(url), (), len(url))


def _sampled(source: VideoSource, part: VideoPart, rule: MediaRule) -> Made[SentMedium]:
    indices: list[int] = []
    times_s: list[float] = []
    images: list[SentImage] = []
    for frame in decoded_frames(source, part, rule.frames, rule.video_decoder):
        indices.append(frame.index)
        times_s.append(frame.time_s)
        # A frame as it is sent is a fraction of its pixels: keep no more than that.
        images.append(encode_pixels(frame.image, rule.image))
    return _frames(times_s, images, frames_note(indices, times_s))


def _frames(
    times_s: list[float], images: list[SentImage], *notes: str
) -> Made[SentMedium]:
    frames = tuple(
        EncodedFrame(time_s, image.url)
        for time_s, image in zip(times_s, images, strict=True)
    )
    size = sum(len(image.url) for image in images)
    return _made(EncodedFrames(frames), notes + _notes(images), size)


def _notes(images: list[SentImage]) -> tuple[str, ...]:
    return tuple(image.note for image in images if image.note is not None)


def _made(medium: EncodedMedium, notes: tuple[str, ...], size: int) -> Made[SentMedium]:
    return Made(SentMedium(medium, notes), size)
