"""An invented article with the answer that a good model would give, for looking at the page."""

from labels import markup
from labels.scheme import STANCES, Stance
from serve.article import count_labels, pairs
from serve.messages import ArticleResponse
from serve.prediction import PredictedSpan, Prediction
from serve.records import ArticleSentence, ModelInfo, TagRecord

MODEL = ModelInfo(name="stance", version="20260101.120000", digest="5" * 64)

#: Paragraphs of (stance, its probability, the sentence with its marks); below 0.5 the model abstains.
_PARAGRAPHS: list[list[tuple[Stance, float, str]]] = [
    [("accuses", 0.91, "🚢 {source|Dockers} accuse {target|Norvex} of {issue|hiding reports} before pier collapse")],
    [("neutral", 0.98, "The inquiry into the collapse of Pier 9 at Port Hallam opened on Monday before a full room.")],
    [
        (
            *("accuses", 0.982),
            "{source|The dockers' union} accused {target|Norvex Shipping} of {issue|hiding inspection reports}.",
        ),
        (
            *("accuses", 0.874),
            "“{target|They} knew {issue|the beams were rotten} and said nothing,” {source|Ines Talvo} told the panel.",
        ),
        (
            *("denies", 0.953),
            "{source|A Norvex spokesman} said {issue|the allegation} was untrue, and that every report was there.",
        ),
    ],
    [
        ("denies", 0.967, "{source|Mayor Odile Brandt} denied that {issue|her office had been warned}."),
        ("denies", 0.712, "“No such {issue|letter} ever reached {source|us},” she said."),
        ("defends", 0.931, "Her deputy, {source|Karel Munro}, stood by {target|the mayor}."),
        ("defends", 0.806, "{source|He} praised {target|her} {issue|handling of the evacuation}."),
    ],
    [
        ("neutral", 0.64, "The opposition on the council was not satisfied."),
        (
            *("accuses", 0.948),
            "{source|Petra Lindqvist} blamed {target|the mayor} for {issue|ignoring her own engineers}.",
        ),
        (
            *("accuses", 0.889),
            "{source|She} also criticised {target|Norvex Shipping} for {issue|answering through its lawyers alone}.",
        ),
        ("accuses", 0.441, "Some in the room wondered aloud who {target|the harbour master} had been working for."),
    ],
    [
        ("neutral", 0.995, "The pier was closed in March and demolished in June."),
        ("neutral", 0.991, "About 340 people worked there."),
    ],
    [
        (
            *("denies", 0.902),
            "{source|Norvex Shipping} rejected the claim that {issue|it had dismissed a whistleblower}.",
        ),
        (
            *("defends", 0.958),
            "{source|The Hallam Chamber of Trade and Navigation} defended {target|Norvex Shipping} as honest.",
        ),
        (
            *("accuses", 0.835),
            "{source|The dockers' union} repeated that {target|Norvex Shipping} had {issue|concealed the reports}.",
        ),
        ("defends", 0.386, "Whether {source|the insurer} would stand by {target|the firm} was less clear."),
    ],
    [
        ("neutral", 0.987, "The panel will hear engineers on Thursday."),
        ("neutral", 0.979, "Its report is expected next spring."),
    ],
]


def _sentence(label: Stance, score: float, marked: str, start: int) -> ArticleSentence:
    text, roles = markup.parse(marked)
    rest = (1 - score) / 3
    scores = [score if stance == label else rest for stance in STANCES]
    spans = {span.role: PredictedSpan(span.start, span.end, 0.9) for span in roles}
    prediction = Prediction(label, (scores[0], scores[1], scores[2], scores[3]), score < 0.5, spans)
    record = TagRecord.of(text, prediction, MODEL)
    return ArticleSentence(**dict(record), text=text, start=start, end=start + len(text))


def article() -> tuple[str, ArticleResponse]:
    """The text of the article, and the answer of `/tag_article` to it."""
    text = ""
    sentences: list[ArticleSentence] = []
    for paragraph in _PARAGRAPHS:
        text += "\n\n" if text else ""
        for number, (label, score, marked) in enumerate(paragraph):
            text += " " if number else ""
            sentences.append(_sentence(label, score, marked, len(text)))
            text += sentences[-1].text
    return text, ArticleResponse(sentences=sentences, counts=count_labels(sentences), pairs=pairs(sentences))
