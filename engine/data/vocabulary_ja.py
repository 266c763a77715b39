"""Japanese words and templates of the business records."""

from __future__ import annotations

from engine.data.vocabulary import Attribute, Vocabulary

# fmt: off
JAPANESE = Vocabulary(
    headers=(
        "{site}工場 保全記録 第{number}号",
        "{site}工場 点検報告書 第{number}号",
        "サポート案件 第{number}号({site})",
    ),
    entry_date="【{month}月{day}日】",
    equipment=(
        "ポンプ", "バルブ", "ボイラー", "冷凍機", "圧縮機", "コンベヤ", "クレーン", "乾燥機",
        "昇降機", "送風機", "電気炉", "発電機", "ヒーター", "旋盤", "ミキサー", "モーター",
        "オーブン", "プレス機", "ロボット", "スキャナー", "センサー", "タンク", "タービン",
        "溶接機",
    ),
    sites=(
        "大阪", "東京", "名古屋", "神戸", "京都", "千葉", "仙台", "札幌", "福岡", "長野", "富山",
        "岡山", "広島", "熊本", "静岡", "新潟", "金沢", "横浜", "川崎", "浜松", "高松", "松山",
        "秋田", "青森",
    ),
    attributes=(
        Attribute("part_number", "部品番号", "??###"),
        Attribute("part_number", "製造番号", "??###"),
        Attribute("part_number", "契約番号", "??###"),
        Attribute("reading", "吐出圧力", "+##kPa"),
        Attribute("reading", "油温", "+#.#℃"),
        Attribute("reading", "電流値", "+#.#A"),
        Attribute("site", "予備品の保管先", "{site}?##"),
        Attribute("deadline", "修理期限", "{day}"),
        Attribute("deadline", "次回点検日", "{day}"),
    ),
    # A deadline is written with the hyphen of business forms, an entry's date with 月 and 日, so
    # that an entry's date can never be taken for the answer to a question about a deadline.
    day="{month}-{day:02d}",
    months=("01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12"),
    statements=(
        "{equipment}の{attribute}は、{site}工場では{value}です。",
        "なお、{equipment}の{attribute}は、{site}工場では{value}です。",
        "確認済み:{equipment}の{attribute}は、{site}工場では{value}です。",
    ),
    questions=(
        "質問:{site}工場の{equipment}の{attribute}は? "
        "答え:{equipment}の{attribute}は、{site}工場では{value}です。",
    ),
    summary_title="まとめ",
    summaries=("以上より、{equipment}の{attribute}は、{site}工場では{value}です。",),
    distractors=(
        "{when}、{who}が{equipment}{did}。",
        "{when}、{who}が{site}工場の{equipment}{did}。",
        "{site}工場の{equipment}は順調に動いています。",
        "{when}、{equipment}に変化はありませんでした。",
    ),
    who=(
        "夜勤担当", "日勤担当", "お客様", "技術員", "仕入先", "窓口担当", "工場長", "安全管理者",
    ),
    did=(
        "を点検しました", "を清掃しました", "を試験しました", "を再起動しました",
        "について電話しました", "について質問しました", "の写真を送りました",
        "の案件を完了しました", "の案件を登録しました", "に漏れがないことを確認しました",
        "の異音を報告しました", "の潤滑油を手配しました",
    ),
    when=(
        "今朝", "午後", "昼前", "休憩後", "夜間", "同日", "予定どおり", "速やかに",
    ),
    joiner="",
)
# fmt: on
