"""The sentences of the needle tasks, by language."""

from __future__ import annotations

from dataclasses import dataclass

from engine.data.documents import Language


@dataclass(frozen=True)
class NeedleWords:
    """One language's sentences; templates use {name}, {names} and {value}."""

    filler: tuple[str, ...]
    names: tuple[str, ...]
    variables: tuple[str, ...]
    statement: str
    question: str
    passkey: str
    passkey_question: str
    variable: str
    variable_question: str
    and_: str
    comma: str
    before_answer: str
    joiner: str


_ENGLISH = NeedleWords(
    filler=(
        "The morning train left the station on time.",
        "A light rain fell over the hills in the evening.",
        "The baker opened the shop and swept the floor.",
        "Two boats lay in the harbour and nobody was on board.",
        "The old clock on the wall was a little slow.",
        "Children played in the yard until it grew dark.",
        "The letter was written on thin blue paper.",
        "A dog slept in the shade of the large tree.",
        "The road along the river was closed for repairs.",
        "Fresh bread lay on the table beside the window.",
    ),
    names=(
        "apple", "river", "garden", "window", "silver", "winter", "bridge", "candle", "forest",
        "island", "letter", "market",
    ),
    variables=("A", "B", "C", "D", "E", "F", "G", "H"),
    statement="The number of {name} is {value}.",
    question="What is the number of {names}? The number of {names} is",
    passkey="The pass key is {value}. Remember it.",
    passkey_question="What is the pass key? The pass key is",
    variable="Variable {name} is equal to {value}.",
    variable_question="What number is variable {name} equal to? Variable {name} is equal to",
    and_=" and ",
    comma=", ",
    before_answer=" ",
    joiner=" ",
)  # fmt: skip

_JAPANESE = NeedleWords(
    filler=(
        "朝の列車は時間どおりに駅を出た。",
        "夕方になると丘に小雨が降った。",
        "パン屋は店を開けて床を掃いた。",
        "港には船が二そう泊まり、誰も乗っていなかった。",
        "壁の古い時計は少し遅れていた。",
        "子どもたちは暗くなるまで庭で遊んだ。",
        "その手紙は薄い青い紙に書かれていた。",
        "大きな木の陰で犬が眠っていた。",
        "川沿いの道は工事で通れなかった。",
        "窓のそばの机に焼きたてのパンがあった。",
    ),
    names=("りんご", "川", "庭", "窓", "銀", "冬", "橋", "森", "島", "手紙", "市場", "空"),
    variables=("A", "B", "C", "D", "E", "F", "G", "H"),
    statement="{name}の番号は{value}です。",
    question="{names}の番号は何ですか。{names}の番号は",
    passkey="合言葉の番号は{value}です。覚えてください。",
    passkey_question="合言葉の番号は何ですか。合言葉の番号は",
    variable="変数{name}は{value}に等しい。",
    variable_question="変数{name}はどの数に等しいですか。変数{name}は",
    and_="と",
    comma="、",
    before_answer="",
    joiner="",
)

WORDS: dict[Language, NeedleWords] = {"en": _ENGLISH, "ja": _JAPANESE}
