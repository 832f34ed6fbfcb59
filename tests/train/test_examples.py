import torch

from labels import markup
from labels.record import AnnotatedSentence
from labels.scheme import BIO_TAGS, STANCES, Stance
from serve.encode import Encoder
from tests.conftest import sentence, tiny_tokenizer
from train.augment import Augmenter
from train.config import AugmentationConfig
from train.examples import IGNORED, Collator, to_examples

ENCODER = Encoder(tiny_tokenizer(), 32)
UNVARIED = Augmenter(AugmentationConfig(names=0, quotes=0), [])


def marked(text: str, label: Stance) -> AnnotatedSentence:
    plain, roles = markup.parse(text)
    return sentence(plain, label=label, roles=roles)


def test_role_tags_cover_the_tokens_of_their_words() -> None:
    rows = to_examples([marked("{source|Al Bo} hit {target|Cy}.", "accuses"), sentence("No role at all.")], ENCODER)
    batch = Collator(ENCODER, UNVARIED)(list(rows))
    tags = ["-" if tag == IGNORED else BIO_TAGS[tag] for tag in batch["role_tags"][0]]
    # [CLS] A ##l B ##o h ##i ##t C ##y . [SEP]: a role's first word begins it with all its tokens.
    expected = ["-", *["B-source"] * 2, *["I-source"] * 2, *["O"] * 3, *["B-target"] * 2, "O", "-"]
    assert tags[:12] == expected
    assert rows["length"][0] == len(expected) == int(batch["attention_mask"][0].sum())
    assert batch["stance"].tolist() == [STANCES.index("accuses"), STANCES.index("neutral")]


def test_neutral_sentences_and_padding_do_not_teach_the_role_head() -> None:
    rows = to_examples(
        [sentence("No role."), marked("{source|She} said that he was the one who lied.", "accuses")], ENCODER
    )
    batch = Collator(ENCODER, UNVARIED)(list(rows))
    assert set(batch["role_tags"][0].tolist()) == {IGNORED}
    assert batch["input_ids"].shape == batch["attention_mask"].shape == batch["role_tags"].shape


def test_variants_follow_torchs_generator() -> None:
    rows = list(to_examples([marked("{source|Dana Okoro} accused {target|Norvex}.", "accuses")], ENCODER))
    collator = Collator(ENCODER, Augmenter(AugmentationConfig(names=1, quotes=0), []))

    def drawn(seed: int) -> list[int]:
        torch.manual_seed(seed)
        return [int(token) for token in collator(rows)["input_ids"].flatten()]

    assert drawn(1) == drawn(1)
    assert len({tuple(drawn(seed)) for seed in range(5)}) > 1
