"""What requests and answers hold."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

MAX_HITS = 10_000
"""Rank of the last hit that can be asked for."""

MAX_EXAMPLES = 200


def _within_63_bits(text: str) -> str:
    if int(text) >= 2**63:
        raise ValueError('is no id of a person')
    return text


PersonId = Annotated[
    str,
    Field(pattern='^[0-9]{1,19}$', description='Public id of a person; a text, as it has 63 bits'),
    AfterValidator(_within_63_bits),
]
Name = Annotated[str, Field(max_length=1000)]
Time = Annotated[
    Annotated[float, Field(allow_inf_nan=False)] | Annotated[str, Field(max_length=64)],
    Field(
        description='Seconds since 1970, or ISO 8601, local zone of the server where none is given',
        examples=['2026-11-27T08:30:00', 1795767000],
    ),
]
Box = Annotated[list[float], Field(min_length=4, max_length=4, description='x1, y1, x2, y2')]
Embedding = Annotated[
    str,
    Field(
        max_length=100_000,
        description='Embedding of a person: base64 of little-endian single-precision numbers',
    ),
]


class Strict(BaseModel):
    """A body whose misspelt fields are refused."""

    model_config = ConfigDict(extra='forbid')


class Conditions(Strict):
    """Conditions on people; all that are given must hold."""

    cameras: list[Name] | None = Field(None, max_length=1000, description='One of these cameras')
    since: Time | None = Field(None, description='From this time on')
    until: Time | None = Field(None, description='Up to this time')
    min_score: float | None = Field(None, ge=0, le=1, description='Smallest detection score')


class Paging(Conditions):
    """Conditions, and which hits are wanted."""

    per_visit: bool = Field(False, description='The best hit of each visit to a camera alone')
    offset: int = Field(0, ge=0, lt=MAX_HITS, description='Hits that are left out at the beginning')
    limit: int = Field(20, ge=1, le=200, description='Number of hits')


class SearchBody(Paging):
    """A search by examples of a person."""

    embeddings: list[Embedding] = Field([], max_length=MAX_EXAMPLES)
    confirmed: list[PersonId] = Field(
        [], max_length=MAX_EXAMPLES, description='People of the gallery who are the person'
    )
    rejected: list[PersonId] = Field(
        [],
        max_length=MAX_EXAMPLES,
        description='People of the gallery who are somebody else: left out, and searched away from',
    )


class Person(BaseModel):
    """A person of the gallery."""

    id: PersonId
    source: str = Field(description='Image or video, as it was indexed')
    frame: int | None = Field(description='Number of the frame; null for images')
    time: float | None = Field(description="Seconds since 1970, or since the video's beginning")
    camera: str | None
    box: Box
    score: float = Field(description='Of the detection')


class Visit(BaseModel):
    """A stay before a camera."""

    since: float | None
    until: float | None
    boxes: int


class Rate(BaseModel):
    """Pairs of the model's test that were at least as similar, and how many were of two people."""

    wrong: int
    pairs: int


class Hit(Person):
    """A person who is similar to the one that is searched."""

    rank: int
    similarity: float = Field(description='Cosine similarity, -1 to 1')
    visit: Visit | None = None
    calibration: Rate | None = None


class QueryImage(BaseModel):
    """An image of the person who is searched."""

    image: str
    box: Box


class Query(BaseModel):
    """Who was searched; its embedding can be sent again for the next page."""

    embedding: Embedding
    images: list[QueryImage] = []


class Hits(BaseModel):
    """The most similar people."""

    query: Query
    hits: list[Hit]
    exact: bool = Field(description='Whether everybody was compared')
    next_offset: int | None = Field(description='Offset of the next page; null after the last one')


class FoundPerson(BaseModel):
    """A person of an uploaded image."""

    number: int = Field(description='From 1, by falling score')
    score: float
    box: Box
    embedding: Embedding


class FoundPeople(BaseModel):
    """The people of an uploaded image, which is not kept."""

    image: str
    width: int
    height: int
    people: list[FoundPerson]


class Frame(BaseModel):
    """A moment before a camera, with the people in it."""

    source: str
    frame: int | None
    time: float | None
    camera: str | None
    width: int = Field(description='Of the image in pixels; 0 where unknown')
    height: int
    people: list[Person]


class Frames(BaseModel):
    """The moments around a person, in their order, and which one is the person's own."""

    frames: list[Frame]
    own: int


class Camera(BaseModel):
    """What one camera saw; people of no camera have a null name."""

    name: str | None
    people: int
    since: float | None
    until: float | None


class Limits(BaseModel):
    """What uploads may be."""

    bytes: int
    pixels: int


class Info(BaseModel):
    """What the gallery holds and what this server does."""

    gallery: str
    people: int
    sources: int
    since: float | None
    until: float | None
    cameras: list[Camera]
    model: str | None
    dimension: int
    calibrated: bool = Field(description='Whether hits say how often such similarities are wrong')
    editable: bool = Field(description='Whether images may be added and people removed')
    limits: Limits
    version: str


class CameraCounts(BaseModel):
    """People of one camera in each interval."""

    name: str | None
    counts: list[int]


class Timeline(BaseModel):
    """How many people each camera saw when; without known times there are no intervals."""

    edges: list[float]
    cameras: list[CameraCounts]


class State(BaseModel):
    """Whether the server works."""

    status: str


class Removal(Conditions):
    """People who are to be removed: all that meet the conditions."""

    ids: list[PersonId] | None = Field(None, max_length=10_000)
    sources: list[Name] | None = Field(None, max_length=10_000)
    dry_run: bool = Field(False, description='Count them only')


class Job(BaseModel):
    """Work in the background."""

    id: str
    kind: Literal['add', 'remove']
    state: Literal['queued', 'running', 'done', 'failed']
    total: int = Field(description='Images to look at, or 1')
    done: int
    people: int = Field(description='People added or removed so far')
    problems: list[str]


class Jobs(BaseModel):
    """All work since the server started, the latest first."""

    jobs: list[Job]


class Kept(Strict):
    """A person who is exported."""

    id: PersonId
    similarity: float | None = Field(None, ge=-1.01, le=1.01)
    verdict: Literal['same', 'other'] | None = Field(None, description='What the user says')


class Export(Strict):
    """People who are exported, in this order."""

    people: list[Kept] = Field(min_length=1, max_length=500)
    format: Literal['json', 'csv', 'evidence'] = 'json'
