"""What a process that asks a hosted model gets: the same as if it held the model."""

from __future__ import annotations

import asyncio
import io
import json
import wave
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.errors import (
    DatasetError,
    ModelError,
    ModelUnavailableError,
    RequestRejectedError,
    TransientModelError,
)
from pytest_evalkit.host.client import HostedModel, hosted_model, hosts_dict
from pytest_evalkit.messages import (
    AudioPart,
    AudioSource,
    Frame,
    ImagePart,
    ImageSource,
    Message,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    VideoFrames,
    VideoPart,
    VideoSource,
)
from pytest_evalkit.models import Backend, MockBackend
from pytest_evalkit.models.backend import (
    IdentifiedBackend,
    Identity,
    LoglikelihoodBackend,
    StreamingBackend,
    respond,
)
from pytest_evalkit.models.pacing import Pacing
from pytest_evalkit.values import (
    Generate,
    GenerationParameters,
    LikelihoodRequest,
    Loglikelihood,
    LoglikelihoodResponse,
    Origin,
    Response,
    RollingLoglikelihood,
    Timing,
    TokenLogprob,
    Tool,
    Usage,
)

if TYPE_CHECKING:
    from tests.unit.host.conftest import Letters, Serve

KEY = "only ours"


def root(url: str) -> str:
    return url.removesuffix("/v1")


def hosted(backend: Backend, serve: Serve, *, replicas: int = 1) -> HostedModel:
    urls = [root(serve(backend, key=KEY)) for _ in range(replicas)]
    told = json.loads(json.dumps(hosts_dict(backend, urls, KEY)))
    return hosted_model(told, 0)


def using(model: HostedModel, ask: Callable[[], Awaitable[Any]]) -> Any:
    async def asked() -> Any:
        try:
            return await ask()
        finally:
            await model.aclose()

    return asyncio.run(asked())


def one(text: str) -> Generate:
    return Generate(messages=(Message.of_text("user", text),))


def png(colour: tuple[int, int, int]) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGB", (9, 7), colour).save(stream, format="PNG")
    return stream.getvalue()


def wav() -> bytes:
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(range(200)))
    return stream.getvalue()


def everything(folder: Path) -> Generate:
    """Ask with one of each kind that a message may hold."""
    from PIL import Image

    (folder / "picture.png").write_bytes(png((1, 2, 3)))
    (folder / "film.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(40))
    decoded = ImageSource.of(Image.new("RGBA", (5, 4), (9, 8, 7, 6)))
    frames = VideoFrames(
        tuple(Frame(ImageSource.of_bytes(png((n, 0, 0))), n / 3) for n in range(64))
    )
    user = Message(
        "user",
        (
            TextPart("look "),
            TextPart("here"),
            ImagePart(ImageSource.of(str(folder / "picture.png"))),
            ImagePart(decoded),
            ImagePart(ImageSource.of("https://example.org/a.png")),
            AudioPart(AudioSource.of_bytes(wav())),
            VideoPart(VideoSource.of(folder / "film.mp4"), start_s=1.5, end_s=2.25),
            VideoPart(frames),
        ),
    )
    return Generate(
        messages=(
            Message.of_text("system", "be brief\ud83d"),
            user,
            Message("assistant", (ToolCallPart("c1", "look", '{"at": 1}'),)),
            Message("tool", (ToolResultPart("c1", "a cat"),)),
        ),
        parameters=GenerationParameters(
            max_tokens=None,
            temperature=0.1 + 0.2,
            stop=("a", "b", "c", "d", "e"),
            extra={"num_beams": 3, "nested": {"a": [1, None]}},
        ),
        tools=(Tool(name="look", description="Looks.", parameters={"type": "object"}),),
        origin=Origin(
            task="t", doc_id=4, doc={"secret": 1}, target="the answer", repeat=2
        ),
    )


def test_the_model_sees_the_request_as_it_was_made(
    letters: Letters, serve: Serve, tmp_path: Path
) -> None:
    request = everything(tmp_path)
    model = hosted(letters, serve)

    using(model, lambda: model.generate(request))

    (seen,) = letters.asked
    pictures = seen.messages[1].media
    assert isinstance(pictures[1], ImagePart)
    assert pictures[1].source.decoded.mode == "RGBA"
    assert seen.messages == request.messages
    assert seen.parameters == request.parameters
    assert seen.tools == request.tools
    film = pictures[4]
    assert isinstance(film, VideoPart)
    assert isinstance(film.source, VideoSource)
    assert film.source.path == tmp_path / "film.mp4"


def test_the_model_learns_the_document_and_not_its_target(
    letters: Letters, serve: Serve, tmp_path: Path
) -> None:
    model = hosted(letters, serve)

    using(model, lambda: model.generate(everything(tmp_path)))

    assert letters.asked[0].origin == Origin(task="t", doc_id=4, doc={}, repeat=2)


def test_the_turn_that_a_camera_noted_goes_with_its_image(
    letters: Letters, serve: Serve
) -> None:
    from PIL import Image, ImageOps

    image = Image.new("RGB", (3, 2), "white")
    image.putpixel((0, 0), (255, 0, 0))
    image.getexif()[0x0112] = 6
    part = ImagePart(ImageSource.of(image))
    model = hosted(letters, serve)

    using(
        model,
        lambda: model.generate(Generate(messages=(Message("user", (part,)),))),
    )

    sent = letters.asked[0].messages[0].media[0]
    assert isinstance(sent, ImagePart)
    turned = ImageOps.exif_transpose(sent.source.decoded)
    assert turned.size == (2, 3)
    assert turned.tobytes() == ImageOps.exif_transpose(image).tobytes()


@pytest.mark.parametrize(
    "response",
    [
        Response(text="plain", timing=Timing(started_at=1.0, latency_s=0.5)),
        Response(
            text="all \ud83d",
            reasoning="hm",
            refusal="no",
            tool_calls=(ToolCallPart("1", "look", "{}"),),
            finish_reason="length",
            logprobs=(TokenLogprob(token="a", logprob=-0.1, top=(("a", -0.1),)),),
            usage=Usage(input_tokens=3, output_tokens=4, cached_tokens=1),
            timing=Timing(
                started_at=1.0, latency_s=0.5, ttft_s=0.1, gaps_s=(0.1, 0.2), n_chunks=3
            ),
            transcript=(Message.of_text("tool", "x"),),
            notes=("cut",),
        ),
    ],
)
def test_a_response_comes_back_as_it_was_given(
    serve: Serve, response: Response
) -> None:
    model = hosted(MockBackend(lambda _: response), serve)

    assert using(model, lambda: model.generate(one("q"))) == response


@pytest.mark.parametrize("logprob", [-1 / 3, -float("inf"), 0.0])
def test_a_likelihood_loses_no_digit(serve: Serve, logprob: float) -> None:
    given = LoglikelihoodResponse(
        logprob=logprob,
        is_greedy=True,
        n_tokens=2,
        timing=Timing(started_at=1.0, latency_s=0.5),
        notes=("cut",),
    )
    model = hosted(MockBackend(lambda _: "", likelihood=lambda _: given), serve)
    request = Loglikelihood(context="", continuation=" a\n", origin=None)

    assert using(model, lambda: respond(model, request)) == given


def test_both_kinds_of_likelihoods_are_the_models_own(
    letters: Letters, serve: Serve
) -> None:
    model = hosted(letters, serve)
    requests: list[LikelihoodRequest] = [
        Loglikelihood(context="the", continuation=" tree"),
        RollingLoglikelihood(text="trees"),
    ]

    async def both(backend: Backend) -> list[float]:
        answers = [await respond(backend, request) for request in requests]
        return [one.logprob for one in answers if not isinstance(one, Response)]

    assert using(model, lambda: both(model)) == asyncio.run(both(letters))


@pytest.mark.parametrize(
    "raised",
    [
        TransientModelError("full", retry_after_s=2.5, status=429),
        RequestRejectedError("too long for me"),
        ModelUnavailableError("gone", may_be_one_request=True),
    ],
)
def test_an_error_is_raised_as_it_was_there(serve: Serve, raised: ModelError) -> None:
    def fail(_: Generate) -> str:
        raise raised

    model = hosted(MockBackend(fail), serve)

    with pytest.raises(type(raised)) as met:
        using(model, lambda: model.generate(one("q")))

    assert str(met.value) == str(raised)
    assert vars(met.value) == vars(raised)


def test_what_a_backend_raises_by_accident_is_the_requests_error(serve: Serve) -> None:
    model = hosted(MockBackend(lambda _: str(1 // 0)), serve)

    with pytest.raises(RequestRejectedError, match=r"^ZeroDivisionError: "):
        using(model, lambda: model.generate(one("q")))


def test_a_medium_that_the_model_cannot_read_is_told_as_one(serve: Serve) -> None:
    def fail(_: Generate) -> str:
        raise DatasetError("cannot decode the image")

    model = hosted(MockBackend(fail), serve)

    with pytest.raises(DatasetError, match=r"^cannot decode the image$"):
        using(model, lambda: model.generate(one("q")))


def test_an_image_that_cannot_be_read_is_told_as_by_the_model(
    letters: Letters, serve: Serve, tmp_path: Path
) -> None:
    part = ImagePart(ImageSource.of(str(tmp_path / "absent.png")))
    model = hosted(letters, serve)

    with pytest.raises(DatasetError, match=r"cannot read image .*absent\.png"):
        using(
            model,
            lambda: model.generate(Generate(messages=(Message("user", (part,)),))),
        )


def test_it_calls_and_describes_itself_as_the_model_does(letters: Letters) -> None:
    model = hosted_model(hosts_dict(letters, ["http://127.0.0.1:1"], KEY), 0)

    assert model.model_name == "letters"
    assert model.describe() == letters.describe()
    assert KEY not in json.dumps(model.describe())


class Streams(MockBackend):
    stream_for_latency = False
    draws_images = True
    pacing = Pacing(num_concurrent=24, timeout=7.0)


def test_it_has_what_the_model_has() -> None:
    class Bare:
        model_name = "bare"

        def describe(self) -> Mapping[str, Any]:
            return {}

        async def generate(self, request: Generate) -> Response:
            return Response(text="")

        async def aclose(self) -> None:
            return None

    urls = ["http://127.0.0.1:1", "http://127.0.0.1:2"]
    bare: object = hosted_model(hosts_dict(Bare(), urls, KEY), 0)
    rich: object = hosted_model(hosts_dict(Streams(lambda _: ""), urls, KEY), 0)

    assert getattr(bare, "draws_images", None) is False
    assert getattr(rich, "draws_images", None) is True
    kinds = (LoglikelihoodBackend, StreamingBackend)
    assert [isinstance(bare, kind) for kind in kinds] == [False, False]
    assert [isinstance(rich, kind) for kind in kinds] == [True, True]
    assert getattr(bare, "pacing", None) == Pacing()
    assert getattr(rich, "pacing", None) == Pacing(num_concurrent=48, timeout=7.0)


class Knowing(MockBackend):
    async def identity(self) -> Identity:
        return Identity(facts={"model": "m", "commit": None}, temperature=0.5)


def test_it_is_the_same_to_a_cache_as_the_model_itself(serve: Serve) -> None:
    backend = Knowing(lambda _: "4")

    async def identity() -> Identity:
        model = hosted(backend, serve)
        assert isinstance(model, IdentifiedBackend)
        try:
            return await model.identity()
        finally:
            await model.aclose()

    assert asyncio.run(identity()) == asyncio.run(backend.identity())


def test_a_model_that_tells_a_cache_nothing_is_told(serve: Serve) -> None:
    async def identity() -> None:
        model = hosted(MockBackend(lambda _: "4"), serve)
        try:
            await model.identity()
        finally:
            await model.aclose()

    with pytest.raises(ModelError, match="does not tell what its answers depend on"):
        asyncio.run(identity())
