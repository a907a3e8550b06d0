"""Hears what voices said, and counts what was understood. Prints one JSON document.

Both sides, what was to be said and what was heard, are written out by the program's own front end, so that
"$12.50" and "twelve fifty dollars" differ only where the words do; Chinese is compared by its syllables.
"""

import json
import os
import re
import statistics
import subprocess
import sys

from faster_whisper import WhisperModel
from pypinyin import Style, lazy_pinyin

NUMBERS = set(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million "
    "point percent dollar dollars pound pounds cent cents pence".split()
)
NUMERALS = set("零一二两三四五六七八九十百千万亿点")
# What the recogniser writes in its own way, on both sides.
SAME = {"alright": "all right", "okay": "ok", "grey": "gray", "colours": "colors"}


def distance(a, b):
    """Least number of insertions, deletions and replacements from a to b."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]


def aligned(a, b):
    """Pairs of places of equal items on the cheapest path."""
    import difflib

    for block in difflib.SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks():
        for k in range(block.size):
            yield block.a + k, block.b + k


def words_of(text):
    text = re.sub(r"[-–—]", " ", text.lower())
    words = re.sub(r"[^a-z' ]", " ", text).split()
    return " ".join(SAME.get(word, word) for word in words).split()


def hanzi(text):
    return re.sub(r"[^\u4e00-\u9fff]", "", text)


def main():
    program, whisper, spoken = sys.argv[1:4]
    lines = [json.loads(line) for line in open(os.path.join(spoken, "lines.jsonl"), encoding="utf-8")]
    model = WhisperModel(whisper, device="cpu", compute_type="int8", cpu_threads=2, local_files_only=True)
    for line in lines:
        chinese = line["locale"].startswith("zh")
        segments, _ = model.transcribe(
            os.path.join(spoken, line["file"]), language="zh" if chinese else "en", beam_size=5,
            word_timestamps=True, condition_on_previous_text=False,
            initial_prompt="以下是普通话的句子。" if chinese else None,
        )
        segments = list(segments)
        line["heard"] = "".join(segment.text for segment in segments).strip().replace("\n", " ")
        line["heard_words"] = [(w.word.strip(), w.start, w.end) for s in segments for w in s.words or []]
    asked = "".join(f"{line['locale']}\t{line['heard']}\n" for line in lines)
    answer = subprocess.run([program, "said"], input=asked, capture_output=True, text=True, check=True)
    for line, said in zip(lines, answer.stdout.splitlines(), strict=True):
        line["heard_said"] = said

    totals = {}
    worst, late, faults = [], [], []
    for line in lines:
        chinese = line["locale"].startswith("zh")
        key = "zh" if chinese else "en"
        total = totals.setdefault(
            key, {"lines": 0, "units": 0, "wrong": 0, "wrong_with_tone": 0, "numbers": 0, "numbers_right": 0,
                  "seconds": 0.0, "processor_seconds": 0.0})
        if chinese:
            a, b = hanzi(line["said"]), hanzi(line["heard_said"])
            plain = [lazy_pinyin(text) for text in (a, b)]
            toned = [lazy_pinyin(text, style=Style.TONE3) for text in (a, b)]
            wrong, units = distance(*plain), len(plain[0])
            total["wrong_with_tone"] += distance(*toned)
            numbers = [[c.replace("两", "二") for c in text if c in NUMERALS] for text in (a, b)]
        else:
            a, b = words_of(line["said"]), words_of(line["heard_said"])
            wrong, units = distance(a, b), len(a)
            numbers = [[word for word in text if word in NUMBERS] for text in (a, b)]
            late.extend(word_times(line))
        total["lines"] += 1
        total["units"] += units
        total["wrong"] += wrong
        total["seconds"] += line["seconds"]
        total["processor_seconds"] += line["processor_seconds"]
        if re.search(r"\d", line["text"]):
            total["numbers"] += 1
            total["numbers_right"] += numbers[0] == numbers[1]
            if numbers[0] != numbers[1]:
                faults.append({"text": line["text"], "heard": line["heard"]})
        if wrong:
            worst.append({"wrong": wrong, "voice": line["voice"], "text": line["text"], "heard": line["heard"]})
    for total in totals.values():
        total["error_percent"] = round(100 * total["wrong"] / max(total["units"], 1), 2)
        total["error_percent_with_tone"] = round(100 * total["wrong_with_tone"] / max(total["units"], 1), 2)
        total["processor_seconds_per_second"] = round(total["processor_seconds"] / max(total["seconds"], 1e-9), 3)
    late.sort(key=abs)
    print(json.dumps({
        "languages": totals,
        "word_times": {
            "words": len(late),
            "median_seconds": round(statistics.median(map(abs, late)), 3) if late else None,
            "within_0.15_percent": round(100 * sum(abs(x) <= 0.15 for x in late) / max(len(late), 1), 1),
            "within_0.20_percent": round(100 * sum(abs(x) <= 0.20 for x in late) / max(len(late), 1), 1),
            "largest_seconds": round(late[-1], 3) if late else None,
        },
        "numbers_misheard": faults,
        "misheard": sorted(worst, key=lambda row: -row["wrong"]),
        "load": os.getloadavg()[0],
    }, ensure_ascii=False, indent=1))


def word_times(line):
    """How far the stated beginnings of words are from those that the recogniser finds, in seconds."""
    ours = [(re.sub(r"[^a-z0-9$£%.]", "", word["text"].lower()).strip("."), word["start_ms"] / 1000) for word in line["words"]]
    theirs = [(re.sub(r"[^a-z0-9$£%.]", "", word.lower()).strip("."), start) for word, start, _ in line["heard_words"]]
    for i, j in aligned([word for word, _ in ours], [word for word, _ in theirs]):
        yield theirs[j][1] - ours[i][1]


main()
