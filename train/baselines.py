"""What the transformer must beat: four baselines, from no reading at all to linear models over TF-IDF."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from sklearn.svm import LinearSVC

from labels.record import AnnotatedSentence
from labels.scheme import STANCES, Stance
from serve.prediction import Prediction, Predictor
from train.config import BaselineName


class ClassifierPredictor:
    """A fitted scikit-learn classifier of sentences as a `Predictor`; it finds no roles."""

    def __init__(self, classifier: Any) -> None:
        self._classifier = classifier

    def predict(self, sentences: Sequence[str]) -> list[Prediction]:
        """The most probable stance of each sentence."""
        found = self._classifier.predict_proba(sentences)
        scores = np.zeros((len(sentences), len(STANCES)))
        for column, label in enumerate(self._classifier.classes_):
            scores[:, STANCES.index(label)] = found[:, column]
        return [_prediction(row) for row in scores]


def _prediction(scores: NDArray[np.float64]) -> Prediction:
    first, second, third, fourth = map(float, scores)
    return Prediction(label=STANCES[int(scores.argmax())], scores=(first, second, third, fourth))


#: Looked for in this order, for a denial often names the accusation that it rejects.
_CUES: Final[dict[Stance, str]] = {
    "denies": r"den(?:y|ies|ied|ying|ials?)|refut\w+|reject\w*|disput\w+|dismiss\w*|not guilty|untrue|no evidence"
    r"|baseless|unfounded|did nothing wrong|no truth|false",
    "accuses": r"accus\w+|blam\w+|alleg\w+|condemn\w*|denounc\w+|critici[sz]\w+|slam\w*|blast\w*|charg(?:ed|es) with"
    r"|sued|lawsuit|rebuk\w+|attack(?:s|ed) (?:on|the|his|her)|should resign|lied|liar",
    "defends": r"defend\w*|prais\w+|back(?:s|ed|ing)|endors\w+|stands? by|stood by|support(?:s|ed)|vouch\w*|justif\w+"
    r"|hail\w*|applaud\w*|welcom\w+|proud",
}


class CueLexicon:
    """The first stance one of whose cue words occurs; probabilities are the training shares given that cue."""

    def __init__(self, sentences: Sequence[AnnotatedSentence]) -> None:
        self._cues = {stance: re.compile(rf"\b(?:{cues})\b", re.IGNORECASE) for stance, cues in _CUES.items()}
        self._scores: dict[Stance, NDArray[np.float64]] = {}
        for found in STANCES:
            # One is added to the found stance's own count, so that the cue's answer stands where nothing was seen.
            counts = np.array([float(found == stance) for stance in STANCES])
            for sentence in sentences:
                counts[STANCES.index(sentence.label)] += self._find(sentence.text) == found
            self._scores[found] = counts / counts.sum()

    def _find(self, sentence: str) -> Stance:
        return next((stance for stance, cue in self._cues.items() if cue.search(sentence)), "neutral")

    def predict(self, sentences: Sequence[str]) -> list[Prediction]:
        """The stance of the first cue found, whatever its probability."""
        predictions = []
        for sentence in sentences:
            found = self._find(sentence)
            first, second, third, fourth = map(float, self._scores[found])
            predictions.append(Prediction(label=found, scores=(first, second, third, fourth)))
        return predictions


def _features() -> Any:
    return make_union(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, strip_accents="unicode"),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=3, sublinear_tf=True, max_features=200_000),
    )


def _majority() -> Any:
    return DummyClassifier(strategy="prior")


def _logistic_regression() -> Any:
    return make_pipeline(_features(), LogisticRegression(C=10.0, class_weight="balanced", max_iter=1000))


def _linear_svm() -> Any:
    # A margin is no probability: Platt's sigmoid, fitted by cross-validation, makes it one.
    machine = CalibratedClassifierCV(LinearSVC(C=0.5, class_weight="balanced"), method="sigmoid", cv=3)
    return make_pipeline(_features(), machine)


_CLASSIFIERS: Final[dict[BaselineName, Callable[[], Any]]] = {
    "majority": _majority,
    "tf-idf + logistic regression": _logistic_regression,
    "tf-idf + linear SVM": _linear_svm,
}


def fit_baseline(name: BaselineName, sentences: Sequence[AnnotatedSentence]) -> Predictor:
    """Fit the baseline `name` on `sentences`."""
    if name == "cue lexicon":
        return CueLexicon(sentences)
    classifier = _CLASSIFIERS[name]()
    classifier.fit([sentence.text for sentence in sentences], [sentence.label for sentence in sentences])
    return ClassifierPredictor(classifier)
